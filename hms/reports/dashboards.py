"""What each role's dashboard shows: counts of the person's own work, money only where money is worked with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hms.core import clock
from hms.core.permissions import Permission, Role
from hms.core.person import Person
from hms.pharmacy.dispensing import queries as pharmacy
from hms.pharmacy.stock import queries as stock_queries

from . import queries
from .period import period


def _admin(_who: Person) -> dict[str, Any]:
    return {
        "total_patients": queries.patient_count(),
        "active_users": queries.active_users(),
        "revenue_today": float(queries.received(period("today", clock.today())).value),
    }


def _doctor(who: Person) -> dict[str, Any]:
    return {
        "today_appointments": queries.appointment_count(clock.today(), who.id),
        "patient_queue": queries.queue_waiting(who.id),
        "unread_lab_results": 0,
        "pending_tasks": 0,
    }


def _nurse(_who: Person) -> dict[str, Any]:
    return {"patient_queue": queries.queue_waiting(), "today_appointments": queries.appointment_count(clock.today())}


def _receptionist(_who: Person) -> dict[str, Any]:
    return {
        "patient_queue": queries.queue_waiting(),
        "today_schedule": queries.appointment_count(clock.today()),
        "pending_registrations": 0,
    }


def _pharmacist(_who: Person) -> dict[str, Any]:
    lines, stock = pharmacy.counts(), stock_queries.counts()
    return {
        "low_stock_alerts": stock["low"],
        "near_expiry_items": stock["expiring"],
        "pending_prescriptions": lines["waiting"] + lines["owing"],
    }


def _cashier(_who: Person) -> dict[str, Any]:
    return {
        "bills_to_pay": queries.bills_to_pay(),
        "revenue_today": float(queries.received(period("today", clock.today())).value),
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
    make = _BY_ROLE.get(who.role or "")
    return make(who) if make else {"message": "No dashboard data for this role."}


def stats(who: Person) -> dict[str, Any]:
    """The hospital's figures as far as this person may see them; both spellings of the original's clients."""
    if not who.may(Permission.READ_REPORTS):
        return {}
    patients = queries.patient_count()
    seen: dict[str, Any] = {
        "total_patients": patients,
        "totalPatients": patients,
        "newPatientsThisMonth": queries.new_patients(period("month", clock.today())),
    }
    if who.may(Permission.MANAGE_STAFF):
        seen["active_users"] = queries.active_users()
    if who.may(Permission.READ_REVENUE):
        seen["revenue_today"] = float(queries.received(period("today", clock.today())).value)
        seen["totalRevenue"] = float(queries.billing_figures()["total_paid"].value)
    return seen
