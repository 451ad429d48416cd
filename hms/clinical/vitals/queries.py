"""Reads of vital signs: of an encounter, of queue entries; the next patient to measure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from sqlalchemy import Row, Select, bindparam, select

from hms.appointments.models import CALLING_ORDER, QueueEntry
from hms.clinical.models import VitalsReading
from hms.core import clock
from hms.core.db.session import db
from hms.core.person import Person
from hms.patients.access import policy
from hms.patients.access.reader import ReaderKind, reader_kind, reader_values
from hms.patients.models import Patient

from . import readings


def vitals_of_waiting(entry_ids: Iterable[int], who: Person) -> list[Row]:
    """The readings of queue entries, oldest first: `readings.COLUMNS`, `queue_entry_id`, `birth_date`, and `is_open` when
    `who` may read the record."""
    return list(
        db.session.execute(
            _vitals_of_waiting(kind=reader_kind(who)), {"entry_ids": list(entry_ids)} | reader_values(who)
        )
    )


@cache
def _vitals_of_waiting(*, kind: ReaderKind) -> Select:
    entry_ids = bindparam("entry_ids")
    who = kind.reader()
    is_open = policy.readable_by(who, Patient.id).label("is_open")
    query = select(*readings.COLUMNS, VitalsReading.queue_entry_id, Patient.birth_date, is_open)
    return (
        query.join_from(VitalsReading, Patient, Patient.id == VitalsReading.patient_id)
        .where(VitalsReading.queue_entry_id.in_(entry_ids), VitalsReading.status == "final")
        .order_by(VitalsReading.taken_at)
    )


def vitals_of(encounter_id: int) -> list[VitalsReading]:
    """The readings of an encounter, newest first, without corrected ones."""
    return list(db.session.execute(_vitals_of(), {"encounter_id": encounter_id}).scalars())


@cache
def _vitals_of() -> Select:
    encounter_id = bindparam("encounter_id")
    query = select(VitalsReading).where(VitalsReading.encounter_id == encounter_id, VitalsReading.status == "final")
    return query.order_by(VitalsReading.taken_at.desc(), VitalsReading.id.desc())


def next_to_measure(except_entry_id: int) -> int | None:
    """The next queue entry of today without vital signs, most urgent first; None when there is none. Skips `except_entry_id`."""
    measured = select(VitalsReading.id).where(VitalsReading.queue_entry_id == QueueEntry.id).exists()
    query = select(QueueEntry.id).where(
        QueueEntry.service_date == clock.today(),
        QueueEntry.status.in_(("waiting", "called")),
        QueueEntry.id != except_entry_id,
        ~measured,
    )
    return db.session.scalars(query.order_by(*CALLING_ORDER).limit(1)).one_or_none()
