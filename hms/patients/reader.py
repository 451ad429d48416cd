"""Who reads, as far as it decides whose records are open to them: which kind of reader, and their ids as values in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sqlalchemy import BigInteger, ColumnElement, Date, DateTime, literal

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
class ReaderValues:
    """A reader's ids, the hospital's day and the instant (UTC) of reading, as SQL values.

    `literal`, so that a missing id compares as `= NULL`, which is never true, instead of `IS NULL`.
    """

    reader_id: ColumnElement
    reader_patient_id: ColumnElement
    reader_department_id: ColumnElement
    reader_today: ColumnElement
    reader_now: ColumnElement


@dataclass(frozen=True)
class Reader:
    """A person as reader."""

    sort: Sort
    helps: Helps
    at: ReaderValues
    sees_patients: bool
    """Whether bookings, the queue and visits bring patients into their care; not to those who only dispense or test."""
    enters_results: bool
    """Whether tests that others ordered bring patients into their care."""

    @property
    def is_patient(self) -> bool:
        return self.sort in (Sort.OWN, Sort.NOBODY)


def reader(who: Person | Reader) -> Reader:
    """`who` as reader at this moment."""
    if isinstance(who, Reader):
        return who
    ids = (literal(one, BigInteger()) for one in (who.id, who.patient_id, who.department_id))
    at = ReaderValues(*ids, literal(clock.today(), Date()), literal(clock.now(), DateTime(timezone=True)))
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
