"""Counts of one person's own work, for the dashboards of the API."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, cast, func, select
from sqlalchemy.sql.elements import ColumnElement

from hms.clinical.models import Encounter, Prescription
from hms.core.db.session import db
from hms.core.drafts import drafts_of_kind
from hms.core.person import Person
from hms.lab.models import LabOrder, LabResult
from hms.messages.models import Notification
from hms.patients.registration.drafts import KIND

RESULT_ALERTS = ("result", "urgent")
MAX_DRAFTS = 1000


def unread_lab_results(doctor: Person) -> int:
    """How many orders of a doctor have results whose alert the doctor has not read."""
    return _count(_unread_orders(), doctor)


@cache
def _unread_orders() -> Select:
    url = func.concat("/encounters/", cast(LabOrder.encounter_id, db.Text))
    first_result = select(func.min(LabResult.entered_at)).where(LabResult.order_id == LabOrder.id)
    unread = select(Notification.id).where(
        Notification.user_id == LabOrder.ordered_by_id,
        Notification.read_at.is_(None),
        Notification.kind.in_(RESULT_ALERTS),
        Notification.url == url,
        Notification.created_at >= first_result.correlate(LabOrder).scalar_subquery(),
    )
    own = LabOrder.ordered_by_id == bindparam("person_id")
    return select(func.count()).where(own, LabOrder.status != "cancelled", unread.correlate(LabOrder).exists())


def pending_tasks(doctor: Person) -> int:
    """What waits for a doctor: own encounters that are not signed, and own prescriptions that the pharmacy put on hold."""
    return _count(_own(Encounter.doctor_id, Encounter.status == "in_progress"), doctor) + _count(
        _own(Prescription.prescriber_id, Prescription.status == "on_hold"), doctor
    )


def _own(owner: Any, state: ColumnElement[bool]) -> Select:
    return select(func.count()).where(owner == bindparam("person_id"), state)


def pending_registrations(receptionist: Person) -> int:
    """How many registrations a person has begun and not finished, as their home lists them."""
    return len(drafts_of_kind(receptionist.id, KIND, MAX_DRAFTS)) if receptionist.id is not None else 0


def _count(query: Select, who: Person) -> int:
    return db.session.execute(query, {"person_id": who.id}).scalar_one()
