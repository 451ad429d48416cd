"""Types of visits, with their lengths."""
