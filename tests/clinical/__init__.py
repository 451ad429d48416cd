"""What the clinic promises."""
