"""Pages of bookings and the queue, and their places in the bar. Each subject has its own file."""

from __future__ import annotations

from hms.core import nav
from hms.core.permissions import Action
from hms.core.words import _

from . import booking_pages, day_pages, hours_pages, queue_pages, week_pages
from .pages import pages

__all__ = ["booking_pages", "day_pages", "hours_pages", "pages", "queue_pages", "week_pages"]

nav.place(_("Queue"), "appointments.queue", Action.CALL_PATIENT, order=10)
nav.place(_("Appointments"), "appointments.day", Action.READ_VISIT_REASON, order=20)
