"""What the billing desk promises."""
