"""What the appointments desk promises."""
