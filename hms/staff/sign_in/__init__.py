"""Authentication, re-authentication, forms interrupted by a lock, sign-in pages and API."""
