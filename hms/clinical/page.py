"""All that the encounter page shows, gathered in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from hms.appointments.columns import staff_name
from hms.billing import queries as billing
from hms.clinical import rules
from hms.clinical.rules import Diagnosis
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.statements import built_once
from hms.patients import actions as patient_actions
from hms.patients import queries as patients
from hms.patients.models import Patient
from hms.staff import queries as staff
from hms.staff.models import User

from . import codes, continuing, lines, medicines, note_templates, queries, readings, sections, signing, unsaved
from .models import ICD10, Condition, Encounter

LAST_VISITS = 5
MOST_NOTES = 2
_ENCOUNTER, _CONDITION = Encounter.__table__.c, Condition.__table__.c


@dataclass
class Visit:
    """An earlier encounter, in a few words."""

    id: int
    started_at: Any
    doctor: str
    words: str
    notes: str
    is_signed: bool


@dataclass
class Earlier:
    """What this encounter may take over from earlier ones."""

    medicines: list[lines.Line]
    problems: list[Any]
    visits: list[Visit]

    def __bool__(self) -> bool:
        return bool(self.medicines or self.problems or self.visits)


@dataclass
class EncounterPage:
    """The encounter with everything around it."""

    encounter: Encounter
    patient: Patient
    banner: Any
    doctor: str
    reading: readings.Reading | None
    conditions: list[Condition]
    lines: list[lines.Line]
    current: list[lines.Line]
    visits: list[Visit]
    addenda: list[Any]
    names: dict[int, str]
    unsaved: tuple[unsaved.Typed, ...]
    asks_birth_year: bool
    owed: Any
    problems: list[Any]
    templates: list[Any]
    sections: list[tuple[sections.Section, Any]]

    @property
    def months(self) -> int | None:
        """Age in whole months, for the list of doses; None when it is not known."""
        age = readings.age_years(self.patient.birth_date)
        return None if age is None else int(age * 12)

    @property
    def earlier(self) -> Earlier:
        """Medicines, problems and notes of earlier visits that are not in this encounter."""
        ordered = {(line.medication_id, line.parts[0].text) for line in self.lines}
        diagnosed = {(one.code, one.title) for one in self.conditions}
        return Earlier(
            [line for line in self.current if (line.medication_id, line.parts[0].text) not in ordered],
            [one for one in self.problems if (one.code, one.title) not in diagnosed],
            [visit for visit in self.visits if visit.notes and visit.is_signed][:MOST_NOTES],
        )

    @staticmethod
    def system_name(address: str) -> str:
        return codes.system_name(address)

    @property
    def missing(self) -> list[rules.Missing]:
        """What still stands between the draft and its signature."""
        return rules.missing_for_signature(
            notes=self.encounter.notes or self.encounter.chief_complaint,
            diagnoses=[Diagnosis(one.title, one.code, one.certainty, one.rank == 1) for one in self.conditions],
            no_diagnosis_reason=self.encounter.no_diagnosis_reason,
        )


def gather(encounter_id: int, who: Person) -> EncounterPage:
    """The page of one encounter; `NotFound` when there is none. The reading goes into the trail."""
    encounter = queries.encounter_found(encounter_id, who)
    whom = patient_actions.open_chart(encounter.patient_id, by=who)
    is_open = encounter.status == "in_progress"
    addenda, rows = [] if is_open else queries.addenda_of(encounter_id), _readings(encounter)
    names = _names({encounter.doctor_id, *(one.author_id for one in addenda), *(r.taken_by_id for r in rows)}, who)
    orders = lines.shown(medicines.around(whom.id, encounter_id))
    return EncounterPage(
        encounter=encounter,
        patient=whom,
        banner=patients.patient_banner(whom, who),
        doctor=names.get(encounter.doctor_id or 0, encounter.performer_name),
        reading=_shown(rows[0], whom, names) if rows else None,
        conditions=queries.conditions_of(encounter_id),
        lines=[one for one in reversed(orders) if one.encounter_id == encounter_id],
        current=[one for one in orders if one.encounter_id != encounter_id],
        visits=last_visits(whom.id, besides=encounter_id),
        addenda=addenda,
        names=names,
        unsaved=unsaved.of(encounter_id, who) if encounter.doctor_id == who.id else (),
        asks_birth_year=is_open and signing.asks_birth_year(encounter, whom, who),
        owed=billing.owed(whom.id) if who.may(Action.ADD_CHARGE) else None,
        problems=continuing.problems(whom.id) if is_open else [],
        sections=sections.all_of(encounter),
        templates=note_templates.offered(who) if is_open and who.may(Action.WRITE_ENCOUNTER) else [],
    )


def _names(user_ids: set[int | None], who: Person) -> dict[int, str]:
    """Names by account; mostly it is the reader's own."""
    return {who.id or 0: who.name} | staff.names({one for one in user_ids if one and one != who.id})


def _readings(encounter: Encounter) -> list[Any]:
    return queries.vitals_of(encounter.id)[:1]


def _shown(row: Any, whom: Patient, names: dict[int, str]) -> readings.Reading:
    return readings.shown(row, whom.birth_date, names.get(row.taken_by_id or 0, ""))


def last_visits(patient_id: int, besides: int | None = None, limit: int = LAST_VISITS) -> list[Visit]:
    """The patient's last encounters, newest first, with their diagnoses."""
    return as_visits(_last_visits(patient_id, besides or 0, limit))


@built_once
def _last_visits(patient_id: Any, besides: Any, limit: Any) -> Select:
    mine = visits().where(_ENCOUNTER.patient_id == patient_id, _ENCOUNTER.id != besides)
    return mine.order_by(_ENCOUNTER.started_at.desc(), _ENCOUNTER.id.desc()).limit(limit)


def visits() -> Select:
    """Encounters with the doctor's name and the diagnoses, for `as_visits`."""
    words = case(
        (and_(_CONDITION.code != "", _CONDITION.code_system == ICD10), _CONDITION.title + " (" + _CONDITION.code + ")"),
        else_=_CONDITION.title,
    )
    diagnoses = (
        select(func.string_agg(words, aggregate_order_by(literal("; "), _CONDITION.rank, _CONDITION.id)))
        .where(_CONDITION.encounter_id == _ENCOUNTER.id, _CONDITION.status == "final")
        .scalar_subquery()
    )
    names = ("id", "started_at", "status", "notes", "diagnosis", "chief_complaint", "kind", "performer_name")
    doctor = User.__table__
    return (
        select(
            *(_ENCOUNTER[name] for name in names), staff_name(doctor.c).label("doctor"), diagnoses.label("diagnoses")
        )
        .select_from(Encounter.__table__.outerjoin(doctor, doctor.c.id == _ENCOUNTER.doctor_id))
        .where(_ENCOUNTER.status != "entered_in_error")
    )


def as_visits(rows: Iterable[Any]) -> list[Visit]:
    """Rows of `visits` in words."""
    return [
        Visit(
            id=row.id,
            started_at=row.started_at,
            doctor=row.doctor or row.performer_name,
            words=row.diagnoses or row.diagnosis or row.chief_complaint or row.kind,
            notes=row.notes,
            is_signed=row.status == "signed",
        )
        for row in rows
    ]


def patient_of(encounter: Encounter) -> Patient:
    """Whose encounter it is."""
    return patients.patient(encounter.patient_id)
