"""Text templates for notes."""
