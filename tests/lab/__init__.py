"""What the laboratory promises."""
