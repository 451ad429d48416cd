"""All that the encounter page shows, gathered in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from hms.billing import queries as billing
from hms.clinical import rules
from hms.clinical.rules import Diagnosis
from hms.core.db import db
from hms.core.people import Person
from hms.core.permissions import Action
from hms.patients import actions as patient_actions
from hms.patients import queries as patients
from hms.patients.models import Patient
from hms.staff import queries as staff

from . import codes, continuing, lines, medicines, note_templates, queries, readings, sections, signing, unsaved
from .models import ICD10, Condition, Encounter

LAST_VISITS = 5
MOST_NOTES = 2


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
    addenda, rows = queries.addenda_of(encounter_id), _readings(encounter)
    names = staff.names(
        {encounter.doctor_id or 0, *(one.author_id for one in addenda), *(r.taken_by_id or 0 for r in rows)}
    )
    is_open = encounter.status == "in_progress"
    return EncounterPage(
        encounter=encounter,
        patient=whom,
        banner=patients.patient_banner(whom, who),
        doctor=names.get(encounter.doctor_id or 0, encounter.performer_name),
        reading=_shown(rows[0], whom, names) if rows else None,
        conditions=queries.conditions_of(encounter_id),
        lines=lines.shown(queries.lines_of(encounter_id)),
        current=lines.shown(one for one in medicines.current(whom.id) if one.encounter_id != encounter_id),
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


def _readings(encounter: Encounter) -> list[Any]:
    return queries.vitals_of(encounter.id)[:1]


def _shown(row: Any, whom: Patient, names: dict[int, str]) -> readings.Reading:
    return readings.shown(row, whom.birth_date, names.get(row.taken_by_id or 0, ""))


def last_visits(patient_id: int, besides: int | None = None, limit: int = LAST_VISITS) -> list[Visit]:
    """The patient's last encounters, newest first, with their diagnoses."""
    columns = (
        "id",
        "started_at",
        "status",
        "notes",
        "diagnosis",
        "chief_complaint",
        "kind",
        "doctor_id",
        "performer_name",
    )
    table = Encounter.__table__.c
    query = (
        select(*(table[name] for name in columns))
        .where(table.patient_id == patient_id, table.status != "entered_in_error", table.id != (besides or 0))
        .order_by(table.started_at.desc(), table.id.desc())
        .limit(limit)
    )
    rows = db.session.execute(query).all()
    return as_visits(rows)


def as_visits(rows: list[Any]) -> list[Visit]:
    """Rows of encounters in words, with two queries for the names and diagnoses of all."""
    names = staff.names({row.doctor_id for row in rows if row.doctor_id})
    diagnoses = _diagnoses([row.id for row in rows])
    return [
        Visit(
            id=row.id,
            started_at=row.started_at,
            doctor=names.get(row.doctor_id or 0) or row.performer_name,
            words="; ".join(diagnoses.get(row.id, [])) or row.diagnosis or row.chief_complaint or row.kind,
            notes=row.notes,
            is_signed=row.status == "signed",
        )
        for row in rows
    ]


def _diagnoses(encounter_ids: list[int]) -> dict[int, list[str]]:
    if not encounter_ids:
        return {}
    query = select(Condition.encounter_id, Condition.title, Condition.code, Condition.code_system).where(
        Condition.encounter_id.in_(encounter_ids), Condition.status == "final"
    )
    found: dict[int, list[str]] = {}
    for row in db.session.execute(query.order_by(Condition.rank, Condition.id)):
        words = f"{row.title} ({row.code})" if row.code and row.code_system == ICD10 else row.title
        found.setdefault(row.encounter_id, []).append(words)
    return found


def patient_of(encounter: Encounter) -> Patient:
    """Whose encounter it is."""
    return patients.patient(encounter.patient_id)
