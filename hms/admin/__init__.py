"""Admin: settings, the audit browser, health of the system."""

from __future__ import annotations
