"""Tables of the reports: running totals. They are derived from records and can be made again at any time.

`measure` is the name of a measure, `source` of its table (`totals/measures.py`). The total of a period is the difference of
two running totals. Readers use them for settled days, and count the records of every other day themselves.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from hms.core.db.models import UnauditedRecord
from hms.core.db.session import db


class MonthToDate(db.Model):  # type: ignore[name-defined]
    """The number of records and their exact sum from the first of the month up to and including `day`, for one key (a doctor,
    a method). A key has a row for each settled day from its first record of the month on."""

    __tablename__ = "month_to_date"

    measure: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
    amount: Mapped[Decimal] = mapped_column(Numeric())


class TotalBeforeMonth(db.Model):  # type: ignore[name-defined]
    """The same of all days before the first of `month`. A key has a row for each settled month after its first record."""

    __tablename__ = "total_before_month"

    measure: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
    amount: Mapped[Decimal] = mapped_column(Numeric())


class SettledDays(db.Model):  # type: ignore[name-defined]
    """The days before `settled_until` have their totals, in the time zone `zone`, except those in `UnsettledDay`.

    `zone` is empty until the first day is settled.
    """

    __tablename__ = "settled_days"

    source: Mapped[str] = mapped_column(primary_key=True)
    zone: Mapped[str] = mapped_column(default="", server_default="")
    settled_until: Mapped[date]


class UnsettledDay(UnauditedRecord):
    """A day whose records changed after it was settled. Several rows may name the same day: writers do not wait."""

    __tablename__ = "unsettled_day"
    __table_args__ = (Index("ix_unsettled_day_source", "source", "day"),)

    source: Mapped[str]
    day: Mapped[date]
