"""Messages: alerts (notifications) for staff, and messages to patients and staff by SMS and e-mail. Depends on staff."""

from __future__ import annotations
