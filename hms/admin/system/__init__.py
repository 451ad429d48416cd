"""Health, backups, sign-ins."""
