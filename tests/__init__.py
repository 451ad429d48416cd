"""What the hospital promises."""
