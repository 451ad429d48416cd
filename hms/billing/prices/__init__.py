"""Price list."""
