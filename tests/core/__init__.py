"""What the house promises."""
