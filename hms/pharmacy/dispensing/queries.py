"""Reads for the dispensing queue: visits with signed lines, their batches, and earlier dispenses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)

from hms.appointments.models import QueueEntry
from hms.billing.bills.queries import owed_by_patients
from hms.clinical.models import Encounter, Prescription
from hms.core import clock
from hms.core.db.fixed_words import fixed_number, fixed_words
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.formulary.medicines.queries import get_medications_by_id
from hms.patients.access import policy
from hms.patients.models import Allergy, Patient
from hms.patients.search.queries import search_patients
from hms.pharmacy.models import Batch, Dispense
from hms.staff.models import User

from . import rules
from .visit_view import Visit, build_lines, paid_words, visit_key

PAGE = 25
RECENT_DAYS = 3
"""Visits signed today or in the two days before are waiting; those signed earlier stand under "older"."""
SHOWN: dict[str, tuple[str, ...]] = {
    "waiting": ("active",),
    "older": ("active",),
    "owing": ("part_dispensed",),
    "held": ("on_hold",),
}
OPEN = ("active", "part_dispensed", "on_hold")
_LINE = (
    *("id", "encounter_id", "patient_id", "medication_id", "medication_name", "dosage", "frequency", "duration"),
    *(
        "instructions",
        "indication",
        "dose_amount",
        "dose_unit",
        "route",
        "frequency_code",
        "as_needed",
        "max_per_day",
        "days",
    ),
    *(
        "quantity",
        "quantity_dispensed",
        "status",
        "status_reason",
        "override_code",
        "override_reason",
        "reasons",
        "signed_at",
    ),
    "checks",
)
_ORDERED_HERE = Prescription.external_id.is_(None)
"""Excludes imported prescriptions: they were prescribed elsewhere and are never dispensed here."""
_LAST = func.max(func.coalesce(Prescription.signed_at, Prescription.created_at))
"""When the newest of a visit's lines was signed."""
_PLACE = (_LAST, func.coalesce(Prescription.encounter_id, 0), Prescription.patient_id)
MAX_PATIENTS = 100


def _first_recent_moment() -> datetime:
    return clock.day_bounds(clock.today() - timedelta(days=RECENT_DAYS - 1))[0]


def counts() -> dict[str, int]:
    """The number of prescriptions under each heading of the queue, and of dispenses today."""
    start, end = clock.day_bounds(clock.today())
    rows = db.session.execute(_counts(), {"recent": _first_recent_moment(), "start": start, "end": end})
    found = {(status, is_recent): lines for status, is_recent, lines in rows}
    both = {status: found.get((status, True), 0) + found.get((status, False), 0) for status in OPEN}
    return {
        "waiting": found.get(("active", True), 0),
        "older": found.get(("active", False), 0),
        "owing": both["part_dispensed"],
        "held": both["on_hold"],
        "done": found["done", True],
    }


@cache
def _counts() -> CompoundSelect:
    by_visit = (
        select(Prescription.status, func.count().label("lines"), _is_recent().label("is_recent"))
        .where(Prescription.status.in_(fixed_words(OPEN)), _ORDERED_HERE)
        .group_by(Prescription.status, Prescription.encounter_id, Prescription.patient_id)
        .subquery()
    )
    statuses = select(by_visit.c.status, by_visit.c.is_recent, cast(func.sum(by_visit.c.lines), BigInteger))
    of_today = (Dispense.dispensed_at >= bindparam("start"), Dispense.dispensed_at < bindparam("end"))
    today = select(func.count()).where(*of_today).scalar_subquery()
    grouped = statuses.group_by(by_visit.c.status, by_visit.c.is_recent)
    return grouped.union_all(select(literal_column("'done'"), true(), today))


def _is_recent() -> ColumnElement[bool]:
    return bindparam("recent", type_=Prescription.created_at.type) <= _LAST


def waiting(
    show: str, *, after: tuple[datetime, int, int] | None = None, limit: int = PAGE, q: str = "", who: Person
) -> list[Any]:
    """The visits under one heading, newest first: encounter_id, patient_id, since, lines.

    `q` searches for patients: then `show` is not used, and every visit with something to dispense is found.
    """
    is_recent = None if q or show not in ("waiting", "older") else show == "waiting"
    query = _select_visits(OPEN if q else SHOWN[show], is_recent)
    if q:
        found = [hit.id for hit in search_patients(q, limit=MAX_PATIENTS, who=who)]
        query = query.where(Prescription.patient_id.in_(found))
    if after is not None:
        query = query.having(tuple_(*_PLACE) < tuple_(*after))
    return list(db.session.execute(query, {"recent": _first_recent_moment(), "limit": limit}))


@cache
def _select_visits(statuses: tuple[str, ...], is_recent: bool | None) -> Select:
    columns = (Prescription.encounter_id, Prescription.patient_id, _LAST.label("since"), func.count().label("lines"))
    query = (
        select(*columns)
        .where(Prescription.status.in_(fixed_words(statuses)), _ORDERED_HERE)
        .group_by(Prescription.encounter_id, Prescription.patient_id)
        .order_by(*(column.desc() for column in _PLACE))
        .limit(fixed_number("limit"))
    )
    if is_recent is None:
        return query
    return query.having(_is_recent() if is_recent else ~_is_recent())


@dataclass(frozen=True)
class WaitingVisit:
    """A visit on the pharmacist's home page: whose it is, how many medicines, since when."""

    key: str
    patient: Patient
    lines: int
    since: datetime


def newest_visits(limit: int, who: Person) -> list[WaitingVisit]:
    """The newest visits with something to dispense, in two queries."""
    rows = waiting("waiting", limit=limit, who=who)
    of_rows = select(Patient).where(Patient.id.in_([row.patient_id for row in rows]))
    patients = {patient.id: patient for patient in db.session.scalars(of_rows)}
    return [
        WaitingVisit(visit_key(row.encounter_id, row.patient_id), patients[row.patient_id], row.lines, row.since)
        for row in rows
    ]


def visits(keys: Iterable[tuple[int | None, int]], statuses: Sequence[str] = OPEN, *, who: Person) -> list[Visit]:
    """The visits with these keys (encounter id, patient id), in their order, with the lines in `statuses`.

    The number of queries does not depend on the number of visits. A visit whose record `who` may not open has only the
    patient.
    """
    wanted = list(keys)
    rows = _lines(wanted, statuses)
    if not rows:
        return []
    patients = {p.id: p for p in db.session.scalars(select(Patient).where(Patient.id.in_({k[1] for k in wanted})))}
    medicines = get_medications_by_id(row.medication_id for row in rows if row.medication_id)
    batches = batches_of(medicines)
    allergies = _allergies(patients)
    before = _given_before(rows)
    paid = owed_by_patients(patients)
    grouped: dict[tuple[int | None, int], list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.encounter_id, row.patient_id].append(row)
    access = policy.record_access(patients.values(), who)

    def build_visit(key: tuple[int | None, int]) -> Visit:
        patient, lines, known = patients[key[1]], grouped[key], allergies[key[1]]
        words = paid_words(paid.get(patient.id), lines)
        visit_ = Visit(key[0], patient, [], words, [], lines[0], patient.id in access.closed)
        if not visit_.is_closed:
            visit_.is_emergency = patient.id in access.emergency
            visit_.allergies = [" – ".join(filter(None, (a.substance, a.reaction))) for a in known]
            visit_.lines = build_lines(lines, medicines, batches, patient, known, before)
        return visit_

    return [build_visit(key) for key in wanted if grouped[key]]


def visit(encounter_id: int, who: Person, statuses: Sequence[str] = (*OPEN, "completed", "stopped")) -> Visit:
    """One visit with all its signed lines; `NotFound` when it has none, `RecordRestricted` when `who` may not open it."""
    patient_id = db.session.scalars(select(Encounter.patient_id).filter_by(id=encounter_id)).one_or_none()
    visits_ = visits([(encounter_id, patient_id)], statuses, who=who) if patient_id else []
    if not visits_:
        raise NotFound(N_("This visit has no signed prescriptions."))
    policy.check(visits_[0].patient, who)
    return visits_[0]


def line(prescription_id: int, who: Person) -> Visit:
    """A visit with only this line; `NotFound` when it is missing or not signed, `RecordRestricted` as for a visit."""
    key = select(Prescription.encounter_id, Prescription.patient_id).where(
        Prescription.id == prescription_id, Prescription.status.not_in(("draft", "entered_in_error"))
    )
    row = db.session.execute(key).one_or_none()
    visits_ = visits([tuple(row)], (*OPEN, "completed", "stopped"), who=who) if row else []
    if not visits_:
        raise NotFound(N_("This prescription does not exist."))
    policy.check(visits_[0].patient, who)
    visits_[0].lines = [line_ for line_ in visits_[0].lines if line_.id == prescription_id]
    visits_[0].first = visits_[0].lines[0].row
    return visits_[0]


def _lines(keys: list[tuple[int | None, int]], statuses: Sequence[str]) -> list[Any]:
    encounters = [encounter for encounter, _patient in keys if encounter is not None]
    loose = [patient for encounter, patient in keys if encounter is None]
    table = Prescription.__table__
    query = (
        select(
            *(table.c[name] for name in _LINE),
            *(User.__table__.c[name] for name in ("title", "first_name", "last_name", "username")),
            QueueEntry.token,
        )
        .select_from(table)
        .outerjoin(User.__table__, User.id == table.c.prescriber_id)
        .outerjoin(Encounter.__table__, Encounter.id == table.c.encounter_id)
        .outerjoin(QueueEntry.__table__, QueueEntry.id == Encounter.queue_entry_id)
        .where(
            table.c.status.in_(statuses),
            table.c.external_id.is_(None),
            or_(
                table.c.encounter_id.in_(encounters),
                table.c.encounter_id.is_(None) & table.c.patient_id.in_(loose),
            ),
        )
        .order_by(table.c.id)
    )
    return list(db.session.execute(query))


def batches_of(medication_ids: Iterable[int]) -> dict[int, list[Any]]:
    """The batches that have stock, by medicine."""
    columns = (Batch.id, Batch.medication_id, Batch.lot_number, Batch.expires_on, Batch.quantity)
    query = select(*columns).where(Batch.medication_id.in_(list(medication_ids)), Batch.quantity > 0)
    held: dict[int, list[Any]] = defaultdict(list)
    for row in db.session.execute(query.order_by(Batch.id)):
        held[row.medication_id].append(row)
    return held


def _allergies(patient_ids: Iterable[int]) -> dict[int, list[Any]]:
    active = select(Allergy).where(Allergy.patient_id.in_(list(patient_ids)), Allergy.status == "active")
    found: dict[int, list[Any]] = defaultdict(list)
    for row in db.session.scalars(active.order_by(Allergy.id)):
        found[row.patient_id].append(row)
    return found


def _given_before(rows: Sequence[Any]) -> dict[tuple[int, int, int], tuple[int, datetime]]:
    """The last dispense to these patients in `LOOK_BACK_DAYS`, by patient, medicine and prescription: quantity and time."""
    since = clock.now() - timedelta(days=rules.LOOK_BACK_DAYS)
    query = (
        select(Dispense.patient_id, Dispense.medication_id, Dispense.prescription_id, Dispense.quantity)
        .add_columns(Dispense.dispensed_at)
        .where(Dispense.patient_id.in_({row.patient_id for row in rows}), Dispense.dispensed_at >= since)
        .order_by(Dispense.dispensed_at)
    )
    return {
        (row.patient_id, row.medication_id, row.prescription_id): (row.quantity, row.dispensed_at)
        for row in db.session.execute(query)
    }
