"""One-time links, setting a password, requests for an account."""
