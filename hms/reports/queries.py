"""Figures of the hospital. Each is one query; money is received minus refunded."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, case, func, literal_column, select, text

from hms.appointments.models import Appointment, QueueEntry
from hms.billing.models import OWING, Bill, Payment
from hms.clinical.models import Encounter, Prescription
from hms.core import clock
from hms.core.db.name_order import name_order
from hms.core.db.session import db
from hms.core.db.types import MoneyColumn
from hms.core.money import ZERO, Money
from hms.patients.models import Patient
from hms.staff.models import User

from .period import Period

SMALLEST_CELL = 5
WAITING = ("waiting", "called")


def patient_count() -> int:
    """Number of active patients."""
    return _scalar(select(func.count()).select_from(Patient).where(Patient.status == "active"))


def new_patients(over: Period) -> int:
    """Number of patients registered in the period."""
    return db.session.execute(_registered(*over.instants)).scalar_one()


def _registered(start: Any, end: Any) -> Select:
    return select(func.count()).where(Patient.created_at >= start, Patient.created_at < end)


def active_users() -> int:
    return _scalar(select(func.count()).where(User.is_active))


def _net() -> Any:
    signed = case((Payment.kind == "refund", -Payment.amount), else_=Payment.amount)
    return func.coalesce(func.sum(signed, type_=MoneyColumn()), 0, type_=MoneyColumn())


def received(over: Period) -> Money:
    """Money received minus refunds."""
    return db.session.execute(_received(*over.instants)).scalar_one()


def _received(start: Any, end: Any) -> Select:
    return select(_net()).where(Payment.received_at >= start, Payment.received_at < end)


def billed(over: Period) -> Money:
    """Sum of the totals of bills issued, without void ones."""
    return db.session.execute(_issued(*over.instants)).scalar_one()


def _issued(start: Any, end: Any) -> Select:
    total = func.coalesce(func.sum(Bill.total, type_=MoneyColumn()), 0, type_=MoneyColumn())
    return select(total).where(Bill.issued_at >= start, Bill.issued_at < end, Bill.status != "void")


def visits(over: Period) -> int:
    """Number of check-ins."""
    return db.session.execute(_queued(over.first, over.until)).scalar_one()


def _queued(first: Any, until: Any) -> Select:
    days = (QueueEntry.service_date >= first, QueueEntry.service_date < until)
    return select(func.count()).where(*days, QueueEntry.status != "cancelled")


def at_a_glance(over: Period) -> Any:
    """`visits`, encounters `signed`, patients `registered` and money `billed`, in one query."""
    return db.session.execute(_at_a_glance(over.first, over.until, *over.instants)).one()


def _at_a_glance(first: Any, until: Any, start: Any, end: Any) -> Select:
    signed = select(func.count()).where(Encounter.signed_at >= start, Encounter.signed_at < end)
    figures = {"visits": _queued(first, until), "signed": signed}
    figures |= {"registered": _registered(start, end), "billed": _issued(start, end)}
    return select(*(figure.scalar_subquery().label(name) for name, figure in figures.items()))


def median_wait_minutes(over: Period) -> int | None:
    """Median minutes from check-in to the first call; None when nobody was called."""
    minutes = func.extract("epoch", QueueEntry.called_at - QueueEntry.arrived_at) / 60
    days = (QueueEntry.service_date >= over.first, QueueEntry.service_date < over.until)
    half = func.percentile_cont(0.5).within_group(minutes)
    median = _scalar(select(half).where(*days, QueueEntry.called_at.is_not(None)))
    return None if median is None else round(median)


def appointments_on(day: date, doctor_id: int | None = None) -> Select:
    """Appointments of a day by time, withdrawn and moved ones left out."""
    query = select(Appointment).where(
        Appointment.date == day, Appointment.status != "rescheduled", Appointment.withdrawn_at.is_(None)
    )
    if doctor_id is not None:
        query = query.where(Appointment.doctor_id == doctor_id)
    return query.order_by(Appointment.time, Appointment.id)


def appointments_by_doctor(over: Period | None = None, doctor_id: int | None = None) -> list[dict[str, Any]]:
    """How many appointments each doctor has, most first."""
    query = (
        select(User.id, User.title, User.first_name, User.last_name, func.count().label("number"))
        .join(Appointment, Appointment.doctor_id == User.id)
        .where(Appointment.status.not_in(("rescheduled", "cancelled")), Appointment.withdrawn_at.is_(None))
        .group_by(User.id)
        .order_by(func.count().desc(), User.id)
    )
    if over:
        query = query.where(Appointment.date >= over.first, Appointment.date < over.until)
    if doctor_id is not None:
        query = query.where(User.id == doctor_id)
    return [
        {"doctor_id": row.id, "doctor_name": _name(row), "appointment_count": row.number}
        for row in db.session.execute(query)
    ]


def _name(row: Any) -> str:
    return " ".join(part for part in (row.title, row.first_name, row.last_name) if part)


def top_medications(over: Period | None = None, limit: int = 10) -> list[dict[str, Any]]:
    """Most prescribed medicines; counts below five are left out, because they may identify a person."""
    query = select(Prescription.medication_name, func.count().label("number")).where(
        Prescription.status.not_in(("draft", "entered_in_error"))
    )
    if over:
        start, end = over.instants
        query = query.where(Prescription.signed_at >= start, Prescription.signed_at < end)
    query = query.group_by(Prescription.medication_name).having(func.count() >= SMALLEST_CELL)
    rows = db.session.execute(
        query.order_by(func.count().desc(), *name_order(Prescription.medication_name)).limit(limit)
    )
    return [{"medication_name": row.medication_name, "count": row.number} for row in rows]


def billing_figures(received_by: int | None = None) -> dict[str, Any]:
    """Billed, paid and outstanding of all issued bills; `received_by` limits `by_method` to payments to one cashier."""
    totals = select(
        func.coalesce(func.sum(Bill.total, type_=MoneyColumn()), 0, type_=MoneyColumn()).label("billed"),
        func.coalesce(func.sum(Bill.paid, type_=MoneyColumn()), 0, type_=MoneyColumn()).label("paid"),
        func.coalesce(func.sum(Bill.written_off, type_=MoneyColumn()), 0, type_=MoneyColumn()).label("written_off"),
        func.count().label("bills"),
        func.count().filter(Bill.status == "paid").label("settled"),
    ).where(Bill.status.in_(("issued", "part_paid", "paid")))
    row = db.session.execute(totals).one()
    return {
        "total_billed": row.billed,
        "total_paid": row.paid,
        "outstanding": row.billed - row.paid - row.written_off,
        "bill_count": row.bills,
        "paid_count": row.settled,
        "unpaid_count": row.bills - row.settled,
        "by_method": _by_method(received_by),
        "by_month": _by_month(),
    }


def _by_method(received_by: int | None) -> dict[str, Money]:
    query = select(Payment.method, _net().label("amount")).group_by(Payment.method)
    if received_by is not None:
        query = query.where(Payment.received_by_id == received_by)
    return {row.method: row.amount for row in db.session.execute(query)}


def _month(instant: Any) -> Any:
    """The month of an instant in hospital time, as text for GROUP BY."""
    return func.to_char(func.timezone(literal_column(f"'{clock.zone().key}'"), instant), literal_column("'YYYY-MM'"))


def _by_month() -> list[dict[str, Any]]:
    billed_month, paid_month = _month(Bill.issued_at), _month(Payment.received_at)
    issued = select(billed_month, func.sum(Bill.total, type_=MoneyColumn())).where(
        Bill.issued_at.is_not(None), Bill.status != "void"
    )
    billed_in = dict(db.session.execute(issued.group_by(billed_month)).all())
    paid_in = dict(db.session.execute(select(paid_month, _net()).group_by(paid_month)).all())
    months = sorted({*billed_in, *paid_in})[-24:]
    return [
        {"month": month, "billed": billed_in.get(month, ZERO), "paid": paid_in.get(month, ZERO)} for month in months
    ]


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
    return db.session.execute(_bills_to_pay()).scalar_one()


@cache
def _bills_to_pay() -> Select:
    return select(func.count()).select_from(Bill).where(text(OWING))


def _scalar(query: Select) -> Any:
    return db.session.execute(query).scalar_one()
