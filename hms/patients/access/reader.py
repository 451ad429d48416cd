"""The reader of a record: the access scope and ids that the SQL conditions of `policy` and `care_team` need."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Date, DateTime, bindparam, literal
from sqlalchemy.types import TypeEngine

from hms.core import clock
from hms.core.permissions import Permission, Role
from hms.core.person import Person, System
from hms.core.settings import store as settings
from hms.patients import lookup


class AccessScope(Enum):
    """The records a reader may see: their own; those opened with a reason; those of their care team; all."""

    NOBODY = "nobody"
    OWN = "own"
    WITH_REASON = "with_reason"
    CARE_TEAM = "care_team"
    EVERYBODY = "everybody"


class QueueScope(Enum):
    """Other doctors whose patients in the queue count as in the reader's care."""

    NOBODY = "nobody"
    DEPARTMENT = "department"
    ALL = "all"


def is_held_to_care_team(who: Person) -> bool:
    """Whether `who` may read restricted records only of patients in their care: all staff but administrators."""
    return not (who.is_patient or who.role == Role.ADMIN.value or isinstance(who, System))


def reads_charts(who: Person) -> bool:
    """Whether `who` reads charts by their role, and is held to the care team."""
    return who.may(Permission.OPEN_CHART) and is_held_to_care_team(who)


def always_needs_reason(who: Person) -> bool:
    """Whether `who` reads any clinical content only after break-glass."""
    return who.role == Role.ADMIN.value and settings.value("clinical.admin_requires_break_glass")


@dataclass(frozen=True)
class ReaderValues:
    """A reader's ids, the hospital's day and the instant (UTC) of reading, as SQL values.

    `literal`, so that a missing id compares as `= NULL`, which is never true, instead of `IS NULL`.
    """

    reader_id: ColumnElement
    reader_patient_id: ColumnElement
    reader_department_id: ColumnElement
    reader_today: ColumnElement
    reader_now: ColumnElement


_TYPES: dict[str, TypeEngine[Any]] = dict(
    zip(
        ReaderValues.__dataclass_fields__,
        (BigInteger(), BigInteger(), BigInteger(), Date(), DateTime(timezone=True)),
        strict=True,
    )
)


@dataclass(frozen=True)
class ReaderKind:
    """The properties of a reader that change the SQL text; cached statements are built once for each kind."""

    scope: AccessScope
    queue_scope: QueueScope
    sees_patients: bool
    """Whether bookings, the queue and visits bring patients into their care; not for those who only dispense or test."""
    enters_results: bool
    """Whether tests that others ordered bring patients into their care."""
    sees_withdrawn: bool
    """Whether they read records that were withdrawn."""

    def reader(self) -> Reader:
        """A reader of this kind for a cached statement, which must be executed with `reader_values`."""
        places = (bindparam(name, type_=kind) for name, kind in _TYPES.items())
        return Reader(self, ReaderValues(*places))


@dataclass(frozen=True, eq=False)
class Reader:
    """A person as reader, for the conditions of `policy` and `care_team`."""

    kind: ReaderKind
    at: ReaderValues

    @property
    def is_patient(self) -> bool:
        return self.kind.scope in (AccessScope.OWN, AccessScope.NOBODY)


def get_reader(who: Person | Reader) -> Reader:
    """`who` as reader, with the present time."""
    if isinstance(who, Reader):
        return who
    values = reader_values(who)
    return Reader(reader_kind(who), ReaderValues(*(literal(values[name], kind) for name, kind in _TYPES.items())))


def reader_kind(who: Person) -> ReaderKind:
    """The kind of reader that `who` is at present."""
    return ReaderKind(
        _get_scope(who),
        _get_queue_scope(who),
        who.may(Permission.OPEN_CHART),
        who.may(Permission.ENTER_RESULT),
        lookup.sees_withdrawn(who),
    )


def reader_values(who: Person) -> dict[str, Any]:
    """The values of `who` for a statement built for their kind of reader."""
    values = (who.id, who.patient_id, who.department_id, clock.today(), clock.now())
    return dict(zip(_TYPES, values, strict=True))


def _get_scope(who: Person) -> AccessScope:
    if who.is_patient:
        return AccessScope.OWN if who.patient_id is not None else AccessScope.NOBODY
    if always_needs_reason(who):
        return AccessScope.WITH_REASON
    return AccessScope.CARE_TEAM if is_held_to_care_team(who) else AccessScope.EVERYBODY


def _get_queue_scope(who: Person) -> QueueScope:
    if who.may(Permission.WRITE_ENCOUNTER):
        return QueueScope.NOBODY
    return QueueScope.ALL if who.department_id is None else QueueScope.DEPARTMENT
