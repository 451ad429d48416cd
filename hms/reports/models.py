"""Tables of the reports: totals of days, months and years. They are derived from records and can be made again at any time.

`measure` is the name of a measure, `source` of its table (`totals/measures.py`). Readers use the total of a day that is
settled, and count the records of every other day themselves.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from hms.core.db.models import UnauditedRecord
from hms.core.db.session import db


class DailyTotal(db.Model):  # type: ignore[name-defined]
    """The number of records and their exact sum on one day of the hospital, for one key (a doctor, a method)."""

    __tablename__ = "daily_total"

    measure: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
    amount: Mapped[Decimal] = mapped_column(Numeric())


class MonthlyTotal(db.Model):  # type: ignore[name-defined]
    """The sum of the daily totals of a calendar month; `month` is its first day. Correct when all its days are settled."""

    __tablename__ = "monthly_total"

    measure: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
    amount: Mapped[Decimal] = mapped_column(Numeric())


class YearlyTotal(db.Model):  # type: ignore[name-defined]
    """The sum of the monthly totals of a year; `year` is its first day. Correct when all its days are settled."""

    __tablename__ = "yearly_total"

    measure: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[date] = mapped_column(primary_key=True)
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
