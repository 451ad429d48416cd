"""Add and remove holidays."""

from __future__ import annotations

import datetime as dt

from hms.appointments.models import Holiday
from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_name
from hms.core.text.translation import N_

MAX_NAME_LENGTH = 60
MAX_ADVANCE = dt.timedelta(days=5 * 366)


@action(Permission.MANAGE_HOLIDAYS, "appointments.add_holiday")
def add_holiday(*, date: dt.date, name: str, by: Person) -> Holiday:
    """Add a holiday: nobody can be booked on that day from now on. Bookings that are already there stay.

    Raises `Conflict` (code "already_holiday") when the day is one.
    """
    name = clean_name(name, "name", longest=MAX_NAME_LENGTH)
    if not name:
        raise RuleBroken(N_("Enter the name of the holiday."), "name")
    if date < clock.today():
        raise RuleBroken(N_("That day is past. Choose a later one."), "date")
    if date - clock.today() > MAX_ADVANCE:
        raise RuleBroken(N_("That is more than five years ahead. Check the year."), "date")
    holiday = Holiday(day=date, name=name)
    db.session.add(holiday)
    db.session.flush()
    publish(Event.APPOINTMENTS_CHANGED)
    return holiday


@action(Permission.MANAGE_HOLIDAYS, "appointments.remove_holiday")
def remove_holiday(holiday_id: int, *, by: Person) -> Holiday:
    """Remove a holiday, so that its day can be booked again, and return it. Raises `Conflict` when it is over."""
    holiday = get_for_update(Holiday, holiday_id)
    if holiday.day < clock.today():
        raise Conflict(N_("This holiday is over and stays in the list."), code="past")
    db.session.delete(holiday)
    db.session.flush()
    publish(Event.APPOINTMENTS_CHANGED)
    return holiday
