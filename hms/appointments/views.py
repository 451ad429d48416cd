"""Pages of bookings and the queue, and their places in the bar. Each subject has its own file."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from hms.core import nav
from hms.core.permissions import Action

from . import booking_pages, day_pages, hours_pages, queue_pages, week_pages
from .pages import pages

__all__ = ["booking_pages", "day_pages", "hours_pages", "pages", "queue_pages", "week_pages"]

nav.place(_l("Queue"), "appointments.queue", Action.CALL_PATIENT, order=10)
nav.place(_l("Appointments"), "appointments.day", Action.READ_VISIT_REASON, order=20)
