"""Counts of one person's own work, for the dashboards of the API."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, cast, func, select, text

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
    """Begins with the person's unread alerts, which are few, and finds the orders of their encounters."""
    encounter_id = cast(func.substring(Notification.url, "^/encounters/([0-9]{1,18})$"), BigInteger)
    first_result = select(func.min(LabResult.entered_at)).where(LabResult.order_id == LabOrder.id)
    unread = (
        select(func.count(LabOrder.id.distinct()))
        .select_from(Notification)
        .join(LabOrder, LabOrder.encounter_id == encounter_id)
    )
    return unread.where(
        Notification.user_id == bindparam("person_id"),
        Notification.read_at.is_(None),
        Notification.kind.in_(RESULT_ALERTS),
        LabOrder.ordered_by_id == Notification.user_id,
        LabOrder.status != "cancelled",
        Notification.created_at >= first_result.correlate(LabOrder).scalar_subquery(),
    )


def pending_tasks(doctor: Person) -> int:
    """What waits for a doctor: own encounters that are not signed, and own prescriptions that the pharmacy put on hold."""
    return _count(_own_work(), doctor)


@cache
def _own_work() -> Select:
    """The states are literals, as in the conditions of the indexes `ix_encounter_open` and `ix_prescription_on_hold`."""
    unsigned = _own(Encounter.doctor_id, text("encounter.status = 'in_progress'"))
    return select(unsigned + _own(Prescription.prescriber_id, text("prescription.status = 'on_hold'")))


def _own(owner: Any, state: Any) -> Any:
    return select(func.count()).where(owner == bindparam("person_id"), state).scalar_subquery()


def pending_registrations(receptionist: Person) -> int:
    """How many registrations a person has begun and not finished, as their home lists them."""
    return len(drafts_of_kind(receptionist.id, KIND, MAX_DRAFTS)) if receptionist.id is not None else 0


def _count(query: Select, who: Person) -> int:
    return db.session.execute(query, {"person_id": who.id}).scalar_one()
