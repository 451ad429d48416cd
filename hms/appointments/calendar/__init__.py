"""Day and week boards."""
