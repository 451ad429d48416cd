"""Reads of the hospital's holidays."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from sqlalchemy import Row, ScalarSelect, Select, func, select

from hms.appointments.enums import Status
from hms.appointments.models import Appointment, Holiday
from hms.core import clock
from hms.core.db.keyset import cut_page
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.text.translation import N_

PAGE_SIZE = 25
MAX_COUNTED = 10_000
"""More bookings of one day are not counted."""


def select_holidays() -> Select:
    """Holidays with the number of patients who are still booked on the day."""
    return select(
        Holiday.id, Holiday.day, Holiday.name, Holiday.created_at, Holiday.updated_at, _booked().label("booked")
    )


def _booked() -> ScalarSelect:
    """Counts the open bookings of the day, without those whose patients have come."""
    booked = select(Appointment.id).where(
        Appointment.date == Holiday.day,
        Appointment.status == Status.SCHEDULED.value,
        Appointment.withdrawn_at.is_(None),
    )
    counted = booked.correlate(Holiday).limit(MAX_COUNTED).subquery()
    return select(func.count()).select_from(counted).scalar_subquery()


def get_holiday(holiday_id: int) -> Row:
    """One holiday; raises `NotFound`."""
    row = db.session.execute(select_holidays().where(Holiday.id == holiday_id)).one_or_none()
    if row is None:
        raise NotFound(N_("This holiday does not exist."))
    return row


class HolidayPage(NamedTuple):
    """A page of holidays. `before` and `after` are the days that the neighbouring pages begin behind."""

    rows: list[Row]
    before: dt.date | None
    after: dt.date | None


def list_holidays(*, is_past: bool = False, after: dt.date | None = None, before: dt.date | None = None) -> HolidayPage:
    """A page of 25 holidays from today on, soonest first; or of past ones, latest first."""
    is_back, today = before is not None and after is None, clock.today()
    query = select_holidays().where(Holiday.day < today if is_past else Holiday.day >= today)
    if after or before:
        later = is_back == is_past
        query = query.where(Holiday.day > (after or before) if later else Holiday.day < (after or before))
    query = query.order_by(Holiday.day.desc() if is_back != is_past else Holiday.day)
    fetched = db.session.execute(query.limit(PAGE_SIZE + 1)).all()
    page = cut_page(fetched, PAGE_SIZE, is_first=after is None, is_backward=is_back)
    first, last = (page.rows[0].day, page.rows[-1].day) if page.rows else (None, None)
    return HolidayPage(page.rows, first if page.has_previous else None, last if page.has_next else None)
