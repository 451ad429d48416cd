"""Who reads, as far as it decides whose records are open to them: their sort, and values that may be places in a statement."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import BigInteger, Date, DateTime, bindparam

from hms.core import clock, settings
from hms.core.people import Person, System
from hms.core.permissions import Action, Role


class Sort(Enum):
    """Whose content a reader may see: a patient's own; what was opened with a reason; the care team's; everybody's."""

    NOBODY = "nobody"
    OWN = "own"
    WITH_REASON = "with_reason"
    CARE_TEAM = "care_team"
    EVERYBODY = "everybody"


class Helps(Enum):
    """Whose patients in the queue a reader cares for besides their own."""

    NOBODY = "nobody"
    DEPARTMENT = "department"
    ALL = "all"


def is_held_to_care_team(who: Person) -> bool:
    """Whether what is inside restricted records is closed to `who` unless the patient is in their care.

    This holds for all who work here, whatever their role reads; only administrators have a rule of their own.
    """
    return not (who.is_patient or who.role == Role.ADMIN.value or isinstance(who, System))


def reads_charts(who: Person) -> bool:
    """Whether `who` reads charts by their role, and is held to the care team."""
    return who.may(Action.OPEN_CHART) and is_held_to_care_team(who)


def always_needs_reason(who: Person) -> bool:
    """Whether `who` reads any clinical content only after break-glass."""
    return who.role == Role.ADMIN.value and settings.value("clinical.admin_requires_break_glass")


@dataclass(frozen=True)
class Places:
    """The values of a reader, or places for them: ids, the hospital's day, and the instant (UTC) of reading."""

    reader_id: int | Any
    reader_patient_id: int | Any
    reader_department_id: int | Any
    reader_today: date | Any
    reader_now: datetime | Any


_TYPES = (BigInteger(), BigInteger(), BigInteger(), Date(), DateTime(timezone=True))


@dataclass(frozen=True)
class Reader:
    """A person as reader. `Varying` for statements that are built once."""

    sort: Sort
    helps: Helps
    at: Places
    sees_patients: bool
    """Whether bookings, the queue and visits bring patients into their care; not to those who only dispense or test."""
    enters_results: bool
    """Whether tests that others ordered bring patients into their care."""

    @property
    def is_patient(self) -> bool:
        return self.sort in (Sort.OWN, Sort.NOBODY)

    def form(self) -> Hashable:
        return self.sort, self.helps, self.sees_patients, self.enters_results

    def values(self) -> dict[str, Any]:
        return vars(self.at)

    def in_places(self) -> Reader:
        places = zip(Places.__dataclass_fields__, _TYPES, strict=True)
        return replace(self, at=Places(*(bindparam(name, type_=kind) for name, kind in places)))


def reader(who: Person | Reader) -> Reader:
    """`who` as reader at this moment."""
    if isinstance(who, Reader):
        return who
    at = Places(who.id, who.patient_id, who.department_id, clock.today(), clock.now())
    return Reader(_sort(who), _helps(who), at, who.may(Action.OPEN_CHART), who.may(Action.ENTER_RESULT))


def _sort(who: Person) -> Sort:
    if who.is_patient:
        return Sort.OWN if who.patient_id is not None else Sort.NOBODY
    if always_needs_reason(who):
        return Sort.WITH_REASON
    return Sort.CARE_TEAM if is_held_to_care_team(who) else Sort.EVERYBODY


def _helps(who: Person) -> Helps:
    if who.may(Action.WRITE_ENCOUNTER):
        return Helps.NOBODY
    return Helps.ALL if who.department_id is None else Helps.DEPARTMENT
