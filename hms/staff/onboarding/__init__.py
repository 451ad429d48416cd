"""One-time links, setting a password, registering oneself."""
