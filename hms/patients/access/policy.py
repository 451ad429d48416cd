"""Who may read the content of a patient's record: the only place of this rule, for pages, API, lists and documents.

* A patient sees only their own record.
* A restricted record (`Patient.is_restricted`) is found by name like any other, but its content (allergies, medicines,
  results, diagnoses, notes) opens only to those in whose care the patient is (`care_team.py`), or after break-glass.
  This holds for all who work here, whichever part of the content their role reads.
* An administrator reads clinical content, and the audit trail records it; when `clinical.admin_requires_break_glass` is on, only
  after break-glass, whether the record is restricted or not.

The role's permissions decide which fields it reads; this module decides of which patients.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote

from flask import g, has_request_context, request
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, false, not_, or_, select, true

from hms.core import clock
from hms.core.db.fixed_words import fixed_word
from hms.core.db.session import db
from hms.core.errors import NotAllowed
from hms.core.permissions import Permission
from hms.core.person import Person, System
from hms.core.text.translation import N_
from hms.patients.lookup import AccessFacts
from hms.patients.models import BreakGlass, Patient

from .care_team import cared_for_by
from .reader import AccessScope, Reader, always_needs_reason, get_reader, is_held_to_care_team, reads_charts

EMERGENCY = "BTG"
"""The purpose of a read after break-glass (HL7 PurposeOfUse)."""
_CLOSED = N_("This record is restricted. Open it with a reason, or ask the staff who care for the patient.")
_CLOSED_TO_ALL = N_("Administrators can open clinical records only with a reason.")
_CLOSED_FOR_GOOD = N_("This record is restricted. Ask the staff who care for the patient.")


class RecordRestricted(NotAllowed):
    """Raised when the record opens only by break-glass; `patient_id` is the patient."""

    def __init__(self, patient_id: int, who: Person, message: str = _CLOSED) -> None:
        may_open = who.may(Permission.BREAK_GLASS)
        super().__init__(message if may_open else _CLOSED_FOR_GOOD, code="restricted")
        self.patient_id = patient_id
        self.next_step = (break_glass_address(patient_id), _l("Open with a reason")) if may_open else None


def break_glass_address(patient_id: int, back: str | None = None) -> str:
    """URL of the break-glass page for this patient; it returns to `back`, by default the requested page."""
    if back is None and has_request_context() and request.method == "GET" and not request.path.startswith("/api/"):
        back = request.full_path.rstrip("?")
    return f"/patients/{patient_id}/break-glass" + (f"?next={quote(back, safe='/')}" if back else "")


_RESTRICTED = Patient.__table__.alias("restricted").c
_WITHDRAWN = Patient.__table__.alias("withdrawn").c


def opened_by(who: Person | Reader) -> Select:
    """Ids of the patients whose records `who` opened with a reason and may still read."""
    at = get_reader(who).at
    return select(BreakGlass.patient_id).where(
        BreakGlass.user_id == at.reader_id, BreakGlass.expires_at > at.reader_now
    )


def readable_by(who: Person | Reader, patient_id: Any) -> ColumnElement[bool]:
    """The condition that the content of the record with this patient id (a column) is open to `who`."""
    as_reader = get_reader(who)
    if as_reader.kind.scope is AccessScope.OWN:
        return patient_id == as_reader.at.reader_patient_id
    if as_reader.kind.scope is AccessScope.WITH_REASON:
        return patient_id.in_(opened_by(as_reader))
    if as_reader.kind.scope is not AccessScope.CARE_TEAM:
        return false() if as_reader.kind.scope is AccessScope.NOBODY else true()
    is_open = or_(cared_for_by(as_reader, _RESTRICTED.id), _RESTRICTED.id.in_(opened_by(as_reader)))
    return patient_id.not_in(select(_RESTRICTED.id).where(_RESTRICTED.is_restricted, not_(is_open)))


def in_emergency(who: Person | Reader, patient_id: Any) -> ColumnElement[bool]:
    """The condition that `who` has emergency access to the record with this patient id (a column)."""
    as_reader = get_reader(who)
    return (
        patient_id.in_(opened_by(as_reader))
        if as_reader.kind.scope in (AccessScope.CARE_TEAM, AccessScope.WITH_REASON)
        else false()
    )


def own_rows(who: Person | Reader, patient_id: Any) -> list[ColumnElement[bool]]:
    """Conditions that limit a patient to their own rows; no conditions for staff."""
    as_reader = get_reader(who)
    return [readable_by(as_reader, patient_id)] if as_reader.is_patient else []


def visible_to(who: Person | Reader, patient_id: Any) -> list[ColumnElement[bool]]:
    """Conditions that limit clinical rows to those whose existence `who` may know: for readers of charts, rows of closed
    records are left out; rows of withdrawn records, for all who may not see those.

    Other staff, and administrators who need a reason, still see that rows exist, without their content.
    """
    as_reader = get_reader(who)
    kind = as_reader.kind
    is_limited = as_reader.is_patient or (kind.scope is AccessScope.CARE_TEAM and kind.sees_patients)
    conditions = [readable_by(as_reader, patient_id)] if is_limited else []
    if not kind.sees_withdrawn:
        conditions.append(patient_id.not_in(select(_WITHDRAWN.id).where(_WITHDRAWN.status == fixed_word("withdrawn"))))
    return conditions


def check(patient: Patient | AccessFacts, who: Person) -> None:
    """Raise `RecordRestricted` unless the content of this record is open to `who`. A read after break-glass is marked."""
    if always_needs_reason(who):
        if emergency_until(patient.id, who) is None:
            raise RecordRestricted(patient.id, who, _CLOSED_TO_ALL)
    elif patient.is_restricted and is_held_to_care_team(who):
        _check_restricted(patient, who)
    elif who.is_patient and patient.id != who.patient_id:
        raise RecordRestricted(patient.id, who)


def check_team(patient: Patient, who: Person) -> None:
    """Raise `RecordRestricted` when a reader of charts outside the care team changes the demographics of a restricted record.
    The front desk, which sees nothing clinical, may correct names and phones."""
    if patient.is_restricted and reads_charts(who):
        _check_restricted(patient, who)


def _check_restricted(patient: Patient | AccessFacts, who: Person) -> None:
    is_cared_for = and_(Patient.id == patient.id, cared_for_by(get_reader(who), Patient.id))
    if (
        emergency_until(patient.id, who) is None
        and not db.session.execute(select(exists().where(is_cared_for))).scalar()
    ):
        raise RecordRestricted(patient.id, who)


def check_record(patient_id: int, who: Person) -> None:
    """`check` for an id; withdrawn records are checked too."""
    patient = db.session.get(Patient, patient_id)
    if patient is not None:
        check(patient, who)


def access_columns(who: Person | Reader, patient_id: Any) -> tuple[Any, Any]:
    """Two columns for rows about the patient with this id (a column): `is_open`, whether the record is open to `who`, and
    `is_emergency`, whether with a reason. See `check_marked`."""
    return readable_by(who, patient_id).label("is_open"), in_emergency(who, patient_id).label("is_emergency")


def check_marked(row: Any, who: Person) -> None:
    """Raise `RecordRestricted` unless the row is of a record open to `who`; it has `access_columns` and `patient_id`."""
    if not row.is_open:
        raise RecordRestricted(row.patient_id, who)
    if row.is_emergency:
        mark_emergency_access()


@dataclass(frozen=True)
class RecordAccess:
    """Patient ids: `closed` to the reader, and open by break-glass (`emergency`)."""

    closed: frozenset[int] = frozenset()
    emergency: frozenset[int] = frozenset()


def record_access(patients: Iterable[Patient], who: Person) -> RecordAccess:
    """Which of these records are closed to `who`. Runs no query when none of them can be closed."""
    may_be_closed = {patient.id for patient in patients if patient.is_restricted or always_needs_reason(who)}
    if not may_be_closed or isinstance(who, System):
        return RecordAccess()
    rows = db.session.execute(
        select(Patient.id, *access_columns(who, Patient.id)).where(Patient.id.in_(may_be_closed))
    ).all()
    return RecordAccess(
        frozenset(row.id for row in rows if not row.is_open), frozenset(row.id for row in rows if row.is_emergency)
    )


def is_open(patient: Patient, who: Person) -> bool:
    """Whether the content of this record is open to `who`."""
    try:
        check(patient, who)
    except RecordRestricted:
        return False
    return True


def emergency_until(patient_id: int, who: Person) -> datetime | None:
    """When the emergency access of `who` to this record ends (UTC); None without one. Marks the request as emergency access."""
    until = db.session.execute(
        _emergency(), {"patient_id": patient_id, "user_id": who.id, "since": clock.now()}
    ).scalar_one_or_none()
    if until is not None:
        mark_emergency_access()
    return until


@cache
def _emergency() -> Select:
    patient_id, user_id, since = bindparam("patient_id"), bindparam("user_id"), bindparam("since")
    ends = select(BreakGlass.expires_at).where(
        BreakGlass.user_id == user_id, BreakGlass.patient_id == patient_id, BreakGlass.expires_at > since
    )
    return ends.order_by(BreakGlass.expires_at.desc()).limit(1)


def mark_emergency_access() -> None:
    """Mark the audit entries of this request from now on as emergency access."""
    if has_request_context():
        g.purpose = EMERGENCY
