"""What administrators do with accounts."""
