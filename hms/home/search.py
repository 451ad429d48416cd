"""The find box: patients with their state today and the next action for them; bills by number; medicines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, bindparam, select

from hms.appointments.models import Appointment, QueueEntry
from hms.billing.bills import queries as billing
from hms.core import clock
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.formulary.medicines import queries as formulary
from hms.patients.search import queries as patients
from hms.staff import directory as staff

WAITING_STATUSES = ("waiting", "called", "in_service")


@dataclass
class PatientRow:
    """One patient of the search result: the state today as text, and the next action (a POST to `action_url`)."""

    hit: patients.SearchResult
    today: str = ""
    action_url: str | None = None
    values: dict[str, Any] | None = None
    action_label: str | None = None

    @property
    def url(self) -> str:
        return f"/patients/{self.hit.id}"


def find_patients(typed: str, *, limit: int, who: Person) -> list[PatientRow]:
    """The patients that match `typed`; among equal matches those with an appointment today come first."""
    hits = patients.search_patients(
        typed, limit=limit, who=who, first=patients.PreferredPatients(_booked_patient_ids, clock.today())
    )
    if not hits:
        return []
    ids = [hit.id for hit in hits]
    booked = _first_by_patient(db.session.execute(_bookings(), {"patient_ids": ids, "day": clock.today()}))
    waiting = _first_by_patient(db.session.execute(_queue_entries(), {"patient_ids": ids, "day": clock.today()}))
    doctors = staff.display_names({row.doctor_id for row in (*booked.values(), *waiting.values()) if row.doctor_id})
    return [_patient_row(hit, booked.get(hit.id), waiting.get(hit.id), doctors, who) for hit in hits]


def find_medicines(typed: str, *, limit: int, who: Person) -> list[Any]:
    """The medicines that match `typed`, for people who may see stock levels; else none."""
    return formulary.search_medications(typed, limit=limit) if who.may(Permission.READ_STOCK_LEVEL) else []


def find_bill(typed: str, *, who: Person) -> Any | None:
    """The bill, with its patient, whose number or receipt number is `typed`; None without one or without permission."""
    if not who.may(Permission.READ_BILL):
        return None
    bill_id = billing.find_bill_id(typed)
    return billing.bill_row(bill_id) if bill_id else None


def _booked_patient_ids(day: Any) -> Select:
    return select(Appointment.patient_id).where(
        Appointment.date == day, Appointment.status == "scheduled", Appointment.withdrawn_at.is_(None)
    )


@cache
def _bookings() -> Select:
    patient_ids, day = bindparam("patient_ids"), bindparam("day")
    of_day = _booked_patient_ids(day).add_columns(Appointment.id, Appointment.time, Appointment.doctor_id)
    return of_day.where(Appointment.patient_id.in_(patient_ids)).order_by(Appointment.time)


@cache
def _queue_entries() -> Select:
    patient_ids, day = bindparam("patient_ids"), bindparam("day")
    return select(QueueEntry.patient_id, QueueEntry.token, QueueEntry.doctor_id).where(
        QueueEntry.service_date == day, QueueEntry.status.in_(WAITING_STATUSES), QueueEntry.patient_id.in_(patient_ids)
    )


def _first_by_patient(rows: Iterable[Any]) -> dict[int, Any]:
    """The first row of each patient, by patient id."""
    first: dict[int, Any] = {}
    for row in rows:
        first.setdefault(row.patient_id, row)
    return first


def _patient_row(
    hit: patients.SearchResult, booking: Any, entry: Any, doctors: dict[int, str], who: Person
) -> PatientRow:
    """The row of one patient: in the queue without action; booked or not booked with check-in as the action."""
    if entry:
        text = _("In queue, token %(token)s", token=entry.token)
        doctor = doctors.get(entry.doctor_id)
        return PatientRow(hit, f"{text} · {doctor}" if doctor else text)
    today = ""
    if booking:
        today = _("Booked %(time)s", time=booking.time.strftime("%H:%M")) + f" {doctors.get(booking.doctor_id, '')}"
    if not who.may(Permission.CHECK_IN):
        return PatientRow(hit, today)
    if booking:
        return PatientRow(hit, today, f"/appointments/{booking.id}/check-in", {"patient": hit.id}, _("Check in"))
    return PatientRow(hit, today, "/queue/add", {"patient": hit.id}, _("Check in"))
