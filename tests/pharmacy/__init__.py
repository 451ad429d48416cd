"""What the pharmacy desk promises."""
