"""Figures of the hospital. Each is one query over the totals of days (`totals/`); money is received minus refunded."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from hms.appointments.models import Appointment, QueueEntry
from hms.billing.models import Bill
from hms.clinical.models import Encounter
from hms.core import clock
from hms.core.db.session import db
from hms.core.db.types import MoneyColumn
from hms.core.money import Money
from hms.patients.models import Patient
from hms.staff.models import User

from .period import Period
from .totals import queries as totals
from .totals import statements
from .totals.measures import (
    APPOINTMENTS,
    BILLS,
    BILLS_OWING,
    BILLS_PAID,
    BILLS_WRITTEN_OFF,
    CASHIERS,
    PATIENTS,
    PAYMENTS,
    PRESCRIPTIONS,
    TO_DISPENSE,
    UNSIGNED_PRESCRIPTIONS,
    VISITS,
    Measure,
)
from .totals.queries import TotalRows, amount_of, by_key, number_of, read_totals

SMALLEST_CELL = 5
WAITING = ("waiting", "called")
ISSUED = ("issued", "part_paid", "paid")


def patient_count() -> int:
    """Number of active patients."""
    return number_of(read_totals([PATIENTS], None), PATIENTS, keys=("active",))


def new_patients(over: Period) -> int:
    """Number of patients registered in the period."""
    return number_of(read_totals([PATIENTS], over), PATIENTS)


def active_users() -> int:
    return db.session.execute(select(func.count()).where(User.is_active)).scalar_one()


def received(over: Period) -> Money:
    """Money received minus refunds."""
    return amount_of(read_totals([PAYMENTS], over), PAYMENTS)


def received_by_method(cashier_id: int) -> dict[str, Money]:
    """Money that one person ever received, minus refunds, by method."""
    keys = (row.key.partition(" ") + (row.amount,) for row in read_totals([CASHIERS], None).of(CASHIERS))
    return {method: Money(amount) for person, _space, method, amount in keys if person == str(cashier_id)}


def visits(over: Period) -> int:
    """Number of check-ins."""
    return number_of(read_totals([VISITS], over), VISITS)


def at_a_glance(day: date) -> Any:
    """`visits`, encounters `signed`, patients `registered` and money `billed` of one day, counted from its records."""
    start, end = clock.day_bounds(day)
    return db.session.execute(_at_a_glance(), {"day": day, "start": start, "end": end}).one()


@cache
def _at_a_glance() -> Select:
    day, start, end = bindparam("day"), bindparam("start"), bindparam("end")
    billed = func.coalesce(func.sum(Bill.total, type_=MoneyColumn()), 0, type_=MoneyColumn())
    figures = {
        "visits": select(func.count()).where(QueueEntry.service_date == day, QueueEntry.status != "cancelled"),
        "signed": select(func.count()).where(Encounter.signed_at >= start, Encounter.signed_at < end),
        "registered": select(func.count()).where(Patient.created_at >= start, Patient.created_at < end),
        "billed": select(billed).where(Bill.issued_at >= start, Bill.issued_at < end, Bill.status != "void"),
    }
    return select(*(figure.scalar_subquery().label(name) for name, figure in figures.items()))


def appointments_on(day: date, doctor_id: int | None = None) -> Select:
    """Appointments of a day by time, withdrawn and moved ones left out."""
    query = select(Appointment).where(
        Appointment.date == day, Appointment.status != "rescheduled", Appointment.withdrawn_at.is_(None)
    )
    if doctor_id is not None:
        query = query.where(Appointment.doctor_id == doctor_id)
    return query.order_by(Appointment.time, Appointment.id)


_BY_DOCTOR = """
SELECT u.id, u.title, u.first_name, u.last_name, t.number
  FROM total t JOIN app_user u ON u.id = t.key::bigint ORDER BY t.number DESC, u.id"""


def appointments_by_doctor(over: Period | None = None, doctor_id: int | None = None) -> list[dict[str, Any]]:
    """How many appointments each doctor has, most first."""
    return [
        {"doctor_id": row.id, "doctor_name": _name(row), "appointment_count": row.number}
        for row in totals.execute(statements.with_totals((APPOINTMENTS,)) + _BY_DOCTOR, over)
        if doctor_id in (None, row.id)
    ]


def _name(row: Any) -> str:
    return " ".join(part for part in (row.title, row.first_name, row.last_name) if part)


# Only the names of the most frequent ones are folded: folding costs more than adding up.
_MOST_COMMON = """
SELECT key, number FROM (
    SELECT key, sum(number)::bigint AS number FROM total GROUP BY key HAVING sum(number) >= :smallest
     ORDER BY 2 DESC FETCH FIRST :most ROWS WITH TIES) t
 ORDER BY number DESC, hms_fold(key) LIMIT :most"""


def most_common(measures: tuple[Measure, ...], over: Period | None, limit: int = 10) -> list[tuple[str, int]]:
    """The most frequent keys of clinical measures with their numbers, most first.

    Numbers below five are left out, because they may identify a person.
    """
    statement = statements.with_totals(measures) + _MOST_COMMON
    return [(row.key, row.number) for row in totals.execute(statement, over, smallest=SMALLEST_CELL, most=limit)]


def top_medications(over: Period | None = None, limit: int = 10) -> list[dict[str, Any]]:
    """Most prescribed medicines; of all days, those that were prescribed elsewhere too."""
    measures = (PRESCRIPTIONS,) if over else (PRESCRIPTIONS, UNSIGNED_PRESCRIPTIONS)
    return [{"medication_name": name, "count": number} for name, number in most_common(measures, over, limit)]


def billing_figures() -> dict[str, Any]:
    """Billed, paid and outstanding of all issued bills, by method, and by month of the last 24 months with any."""
    rows = read_totals([BILLS, BILLS_PAID, BILLS_WRITTEN_OFF, PAYMENTS], None, by_month=True)
    billed, paid = amount_of(rows, BILLS, keys=ISSUED), amount_of(rows, BILLS_PAID, keys=ISSUED)
    count, settled = number_of(rows, BILLS, keys=ISSUED), number_of(rows, BILLS, keys=("paid",))
    return {
        "total_billed": billed,
        "total_paid": paid,
        "outstanding": billed - paid - amount_of(rows, BILLS_WRITTEN_OFF, keys=ISSUED),
        "bill_count": count,
        "paid_count": settled,
        "unpaid_count": count - settled,
        "by_method": by_key(rows, PAYMENTS),
        "by_month": _by_month(rows),
    }


def _by_month(rows: TotalRows) -> list[dict[str, Any]]:
    months: dict[date, dict[str, Decimal]] = {}
    for measure, name in ((BILLS, "billed"), (PAYMENTS, "paid")):
        for row in rows.of(measure):
            if row.key == "void":
                continue
            month = months.setdefault(row.month, {"billed": Decimal(0), "paid": Decimal(0)})
            month[name] += row.amount
    return [
        {"month": f"{month:%Y-%m}", **{name: Money(amount) for name, amount in months[month].items()}}
        for month in sorted(months)[-24:]
    ]


def total_paid(rows: TotalRows, n: int = 1) -> Money:
    """What was paid on all bills of a period, of rows with `BILLS_PAID`."""
    return amount_of(rows, BILLS_PAID, n, keys=ISSUED)


def queue_waiting(doctor_id: int | None = None) -> int:
    """Number of patients waiting today; with `doctor_id`, those of this doctor and those without a doctor."""
    return db.session.execute(
        _queue_waiting(of_doctor=doctor_id is not None), {"day": clock.today(), "doctor_id": doctor_id}
    ).scalar_one()


@cache
def _queue_waiting(*, of_doctor: bool) -> Select:
    day, doctor_id = bindparam("day"), bindparam("doctor_id")
    query = select(func.count()).where(QueueEntry.service_date == day, QueueEntry.status.in_(WAITING))
    if of_doctor:
        query = query.where((QueueEntry.doctor_id == doctor_id) | QueueEntry.doctor_id.is_(None))
    return query


def appointment_count(day: date, doctor_id: int | None = None) -> int:
    return db.session.execute(
        _appointment_count(of_doctor=doctor_id is not None), {"day": day, "doctor_id": doctor_id}
    ).scalar_one()


@cache
def _appointment_count(*, of_doctor: bool) -> Select:
    day, doctor_id = bindparam("day"), bindparam("doctor_id")
    return appointments_on(day, doctor_id if of_doctor else None).order_by(None).with_only_columns(func.count())


def bills_to_pay() -> int:
    """Number of bills on which a patient has an amount to pay."""
    return number_of(read_totals([BILLS_OWING], None), BILLS_OWING)


def prescriptions_to_dispense() -> int:
    """Number of signed prescriptions that are not yet dispensed, or only in part."""
    return number_of(read_totals([TO_DISPENSE], None), TO_DISPENSE)
