"""What the patients desk promises."""
