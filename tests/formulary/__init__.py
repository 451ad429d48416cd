"""What the formulary promises."""
