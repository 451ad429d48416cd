"""The find box: who fits, whether they are booked or waiting today, and what this desk does next for them; bills by
their numbers, and medicines."""

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
    """One patient found: what is known of today in words, and the default action (`act` is posted with `values`)."""

    hit: patients.SearchResult
    today: str = ""
    act: str | None = None
    values: dict[str, Any] | None = None
    act_words: str | None = None

    @property
    def url(self) -> str:
        return f"/patients/{self.hit.id}"


def find_patients(typed: str, *, limit: int, who: Person) -> list[PatientRow]:
    """The patients that fit, those booked today before others of equal fit."""
    hits = patients.search_patients(
        typed, limit=limit, who=who, first=patients.PreferredPatients(_booked_patient_ids, clock.today())
    )
    if not hits:
        return []
    ids = [hit.id for hit in hits]
    booked = _first_by_patient(db.session.execute(_bookings(), {"patient_ids": ids, "day": clock.today()}))
    waiting = _first_by_patient(db.session.execute(_queue_entries(), {"patient_ids": ids, "day": clock.today()}))
    doctors = staff.display_names({one.doctor_id for one in (*booked.values(), *waiting.values()) if one.doctor_id})
    return [_patient_row(hit, booked.get(hit.id), waiting.get(hit.id), doctors, who) for hit in hits]


def find_medicines(typed: str, *, limit: int, who: Person) -> list[Any]:
    """The medicines that fit, for those who may know how much there is."""
    return formulary.search_medications(typed, limit=limit) if who.may(Permission.READ_STOCK_LEVEL) else []


def find_bill(typed: str, *, who: Person) -> Any | None:
    """The bill whose number, or the number of one of whose receipts, was typed or scanned, with its patient; for those who
    read bills."""
    if not who.may(Permission.READ_BILL):
        return None
    bill_id = billing.bill_of_document(typed)
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


def _first_by_patient(found: Iterable[Any]) -> dict[int, Any]:
    """The first row of each patient."""
    first: dict[int, Any] = {}
    for row in found:
        first.setdefault(row.patient_id, row)
    return first


def _patient_row(hit: patients.SearchResult, booking: Any, entry: Any, doctors: dict[int, str], who: Person) -> PatientRow:
    """Who waits already is opened; who is booked is checked in; anybody else joins the queue."""
    if entry:
        said = _("In queue, token %(token)s", token=entry.token)
        doctor = doctors.get(entry.doctor_id)
        return PatientRow(hit, f"{said} · {doctor}" if doctor else said)
    today = ""
    if booking:
        today = _("Booked %(time)s", time=booking.time.strftime("%H:%M")) + f" {doctors.get(booking.doctor_id, '')}"
    if not who.may(Permission.CHECK_IN):
        return PatientRow(hit, today)
    if booking:
        return PatientRow(hit, today, f"/appointments/{booking.id}/check-in", {"patient": hit.id}, _("Check in"))
    return PatientRow(hit, today, "/queue/add", {"patient": hit.id}, _("Check in"))
