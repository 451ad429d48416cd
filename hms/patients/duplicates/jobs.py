"""Compares records that are new or changed with all others, a few at each look."""

from __future__ import annotations

import time
from collections.abc import Iterable

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db
from hms.core.person import SYSTEM
from hms.patients.enums import PairStatus, PatientStatus
from hms.patients.models import DuplicatePair, Patient, PatientToCompare
from hms.patients.search import duplicates
from hms.patients.search.match_scoring import score_match

WORTH_LISTING = 70
"""From this probability on, in per cent, a pair is listed."""
MAX_PAIRS = 10
"""How many pairs one record can have at most."""
AT_ONCE = 20
"""How many records are compared in one transaction."""
RUN_SECONDS = 5.0
"""How long one run takes at most, so that the other tasks of the scheduler are not late."""


def compare_pending(run_seconds: float = RUN_SECONDS) -> int:
    """Compare records until none waits or the time is over; returns how many. Commits after each few."""
    ends, done = time.monotonic() + run_seconds, 0
    while time.monotonic() < ends:
        count = compare_some()
        if not count:
            break
        done += count
    return done


def compare_some(limit: int = AT_ONCE) -> int:
    """Compare the records that wait longest; returns how many. Two clocks take different ones."""
    with action_context("patients.find_pairs", SYSTEM):
        query = select(PatientToCompare).order_by(PatientToCompare.id).limit(limit).with_for_update(skip_locked=True)
        waiting = db.session.scalars(query).all()
        ids = [row.patient_id for row in waiting]
        if ids:
            db.session.execute(delete(PatientToCompare).where(PatientToCompare.id.in_([row.id for row in waiting])))
        for patient in db.session.scalars(select(Patient).where(Patient.id.in_(ids))):
            _compare(patient)
    return len(ids)


def _compare(patient: Patient) -> None:
    """Note the pairs of a record, and forget those that are not similar any more and that nobody decided about."""
    if patient.status != PatientStatus.ACTIVE:
        return
    person = duplicates.compared_person(patient)
    found = duplicates.duplicate_candidates(person, who=SYSTEM, except_id=patient.id, limit=MAX_PAIRS)
    percents = {candidate.hit.id: candidate.percent for candidate in found}
    for other in _known_partners(patient.id, percents):
        percents[other.id] = round(score_match(person, duplicates.compared_person(other)).score * 100)
    for other_id, percent in percents.items():
        if percent >= WORTH_LISTING:
            _note(patient.id, other_id, percent)
        else:
            _forget(patient.id, other_id)


def _known_partners(patient_id: int, found: Iterable[int]) -> Iterable[Patient]:
    """The other records of the pairs that the record has already, without those in `found`."""
    pairs = select(DuplicatePair.first_id, DuplicatePair.second_id).where(
        or_(DuplicatePair.first_id == patient_id, DuplicatePair.second_id == patient_id)
    )
    ids = {other for pair in db.session.execute(pairs) for other in pair} - {patient_id, *found}
    return db.session.scalars(select(Patient).where(Patient.id.in_(ids))).all() if ids else ()


def _note(patient_id: int, other_id: int, percent: int) -> None:
    first, second = sorted((patient_id, other_id))
    row = insert(DuplicatePair).values(
        first_id=first, second_id=second, percent=percent, status=PairStatus.OPEN.value, updated_at=clock.now()
    )
    db.session.execute(
        row.on_conflict_do_update(
            index_elements=[DuplicatePair.first_id, DuplicatePair.second_id],
            set_={"percent": row.excluded.percent, "updated_at": row.excluded.updated_at},
            where=DuplicatePair.percent != row.excluded.percent,
        )
    )


def _forget(patient_id: int, other_id: int) -> None:
    first, second = sorted((patient_id, other_id))
    open_pair = (DuplicatePair.first_id == first, DuplicatePair.second_id == second, DuplicatePair.status == "open")
    db.session.execute(delete(DuplicatePair).where(*open_pair, DuplicatePair.decided_at.is_(None)))
