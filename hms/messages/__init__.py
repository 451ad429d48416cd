"""Messages: alerts (notifications) for staff, and messages to patients by SMS and e-mail. Depends on staff."""

from __future__ import annotations
