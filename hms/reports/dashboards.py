"""The figures of each role's dashboard; money only for roles that work with money."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hms.core import clock
from hms.core.money import Money, currency_decimals
from hms.core.permissions import Permission, Role
from hms.core.person import Person
from hms.pharmacy.stock import queries as stock_queries

from . import desk_counts, queries
from .period import named_period
from .totals.measures import BILLS_PAID, PATIENTS, PAYMENTS
from .totals.queries import amount_of, number_of, read_totals


def _json_number(total: Money) -> int | float:
    """An exact sum as a JSON number, which the dashboards' figures are; nothing is added to it any more."""
    return float(total.value) if currency_decimals() else int(total.value)


def _admin(_who: Person) -> dict[str, Any]:
    return {
        "total_patients": queries.patient_count(),
        "active_users": queries.active_users(),
        "revenue_today": _json_number(queries.received(named_period("today", clock.today()))),
    }


def _doctor(who: Person) -> dict[str, Any]:
    return {
        "today_appointments": queries.appointment_count(clock.today(), who.id),
        "patient_queue": queries.queue_waiting(who.id),
        "unread_lab_results": desk_counts.unread_lab_results(who),
        "pending_tasks": desk_counts.pending_tasks(who),
    }


def _nurse(_who: Person) -> dict[str, Any]:
    return {"patient_queue": queries.queue_waiting(), "today_appointments": queries.appointment_count(clock.today())}


def _receptionist(who: Person) -> dict[str, Any]:
    return {
        "patient_queue": queries.queue_waiting(),
        "today_schedule": queries.appointment_count(clock.today()),
        "pending_registrations": desk_counts.pending_registrations(who),
    }


def _pharmacist(_who: Person) -> dict[str, Any]:
    stock = stock_queries.counts()
    return {
        "low_stock_alerts": stock["low"],
        "near_expiry_items": stock["expiring"],
        "pending_prescriptions": queries.prescriptions_to_dispense(),
    }


def _cashier(_who: Person) -> dict[str, Any]:
    return {
        "bills_to_pay": queries.bills_to_pay(),
        "revenue_today": _json_number(queries.received(named_period("today", clock.today()))),
    }


_BY_ROLE: dict[str, Callable[[Person], dict[str, Any]]] = {
    Role.ADMIN: _admin,
    Role.DOCTOR: _doctor,
    Role.NURSE: _nurse,
    Role.RECEPTIONIST: _receptionist,
    Role.PHARMACIST: _pharmacist,
    Role.CASHIER: _cashier,
}


def dashboard(who: Person) -> dict[str, Any]:
    """The counts of this person's desk."""
    build = _BY_ROLE.get(who.role or "")
    return build(who) if build else {"message": "No dashboard data for this role."}


def stats(who: Person) -> dict[str, Any]:
    """The hospital's figures that this person may see. Some are repeated under a second name for older clients."""
    if not who.may(Permission.READ_REPORTS):
        return {}
    sees_revenue = who.may(Permission.READ_REVENUE)
    measures = (PATIENTS, BILLS_PAID, PAYMENTS) if sees_revenue else (PATIENTS,)
    month, today = (named_period(name, clock.today()) for name in ("month", "today"))
    rows = read_totals(measures, None, month, today)
    patients = number_of(rows, PATIENTS, keys=("active",))
    figures: dict[str, Any] = {
        "total_patients": patients,
        "totalPatients": patients,
        "newPatientsThisMonth": number_of(rows, PATIENTS, 2),
    }
    if who.may(Permission.MANAGE_STAFF):
        figures["active_users"] = queries.active_users()
    if sees_revenue:
        figures["revenue_today"] = _json_number(amount_of(rows, PAYMENTS, 3))
        figures["totalRevenue"] = _json_number(queries.total_paid(rows))
    return figures
