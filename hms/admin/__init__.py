"""Admin: settings, the audit browser, health of the system."""
