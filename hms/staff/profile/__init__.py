"""A person's own account, picture and preferences."""
