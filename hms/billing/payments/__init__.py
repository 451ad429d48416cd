"""Taking payments."""
