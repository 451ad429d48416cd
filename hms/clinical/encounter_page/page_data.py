"""All data of the encounter page, read in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hms.appointments.journeys.queries import Stop, find_journeys
from hms.clinical import page_extensions
from hms.clinical.diagnoses import codes
from hms.clinical.diagnoses import queries as diagnosis_queries
from hms.clinical.encounters import drafts, history, rules
from hms.clinical.encounters import queries as encounter_queries
from hms.clinical.encounters.history import Visit
from hms.clinical.encounters.rules import Diagnosis
from hms.clinical.models import Encounter
from hms.clinical.note_templates import actions
from hms.clinical.prescriptions import display, patient_context
from hms.clinical.prescriptions.open_questions import OpenQuestion, collect_questions
from hms.clinical.vitals import readings
from hms.core import clock
from hms.core.actions import action_context
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.formulary.rule_book import current_rules
from hms.patients import lookup
from hms.patients.models import Patient
from hms.patients.records import actions as patient_actions
from hms.patients.records import banner as record_banner
from hms.staff import directory as staff

from . import single_values

MAX_NOTES = 2


@dataclass
class CopyableRecords:
    """Medicines, problems and notes of earlier visits that can be copied to this encounter."""

    medicines: list[display.Line]
    problems: list[Any]
    visits: list[Visit]

    def __bool__(self) -> bool:
        return bool(self.medicines or self.problems or self.visits)


@dataclass
class EncounterPage:
    """An encounter with the data of its page."""

    encounter: Encounter
    patient: Patient
    banner: Any
    doctor: str
    reading: readings.Reading | None
    conditions: list[Any]
    lines: list[display.Line]
    current: list[display.Line]
    visits: list[Visit]
    addenda: list[Any]
    names: dict[int, str]
    unsaved: tuple[drafts.UnsavedText, ...]
    asks_birth_year: bool
    owed: Any
    problems: list[Any]
    templates: Sequence[Any]
    order_sets: Sequence[Any]
    sections: list[tuple[page_extensions.Section, Any]]
    has_rules: bool
    """Whether the rules of the safety checks can be read."""
    journey: list[Stop]
    """The patient's way through the day of the visit; empty for an encounter without a place in the queue."""

    @cached_property
    def earlier(self) -> CopyableRecords:
        """Medicines, problems and notes of earlier visits that are not in this encounter."""
        ordered = {(line.medication_id, line.parts[0].text) for line in self.lines}
        diagnosed = {(condition.code, condition.title) for condition in self.conditions}
        return CopyableRecords(
            [line for line in self.current if (line.medication_id, line.parts[0].text) not in ordered],
            [problem for problem in self.problems if (problem.code, problem.title) not in diagnosed],
            [visit for visit in self.visits if visit.notes and visit.is_signed][:MAX_NOTES],
        )

    @property
    def open_questions(self) -> list[OpenQuestion]:
        """What needs a reason before signing and has none."""
        return collect_questions((line.parts[0].text, line.open_questions) for line in self.lines)

    @staticmethod
    def system_name(address: str) -> str:
        return codes.system_name(address)

    @property
    def missing(self) -> list[rules.Missing]:
        """The checklist before signing."""
        return rules.missing_for_signature(
            notes=self.encounter.notes or self.encounter.chief_complaint,
            diagnoses=[
                Diagnosis(condition.title, condition.code, condition.certainty, condition.rank == 1)
                for condition in self.conditions
            ],
            no_diagnosis_reason=self.encounter.no_diagnosis_reason,
        )


def load_page(encounter_id: int, who: Person) -> EncounterPage:
    """The page of one encounter; records the reading in the audit trail. Raises `NotFound`."""
    with action_context("clinical.open_chart", who):
        encounter, patient = encounter_queries.get_encounter_with_patient(encounter_id, who)
        patient_actions.record_chart_opening(patient, by=who)
        return _load_parts(encounter, patient, who)


def _load_parts(encounter: Encounter, patient: Patient, who: Person) -> EncounterPage:
    is_open = encounter.status == "in_progress"
    addenda = [] if is_open else encounter_queries.addenda_of(encounter.id)
    reading = readings.last_reading(encounter.id)
    taken_by = {reading.taken_by_id} if reading else set()
    names = _names({encounter.doctor_id, *(addendum.author_id for addendum in addenda), *taken_by}, who)
    lines = display.to_lines(patient_context.load_line_rows(patient.id, encounter.id))
    conditions, problems = diagnosis_queries.conditions_and_problems(patient.id, encounter.id)
    values = single_values.load(encounter, patient, who)
    titles = actions.list_titles(who) if is_open and who.may(Permission.WRITE_ENCOUNTER) else []
    return EncounterPage(
        encounter=encounter,
        patient=patient,
        banner=record_banner.patient_banner(patient, who),
        doctor=names.get(encounter.doctor_id or 0, encounter.performer_name),
        reading=_to_reading(reading, patient, names) if reading else None,
        conditions=conditions,
        lines=[line for line in reversed(lines) if line.encounter_id == encounter.id],
        current=[line for line in lines if line.encounter_id != encounter.id],
        visits=history.last_visits(patient.id, exclude=encounter.id),
        addenda=addenda,
        names=names,
        unsaved=values.unsaved,
        asks_birth_year=values.asks_birth_year,
        owed=values.owed,
        problems=problems if is_open else [],
        sections=page_extensions.load_sections(encounter),
        has_rules=current_rules.load_knowledge().is_readable,
        templates=[title for title in titles if title.kind == actions.NOTE],
        order_sets=[title for title in titles if title.kind == actions.ORDERS],
        journey=_load_journey(encounter),
    )


def _load_journey(encounter: Encounter) -> list[Stop]:
    if encounter.queue_entry_id is None or encounter.started_at is None:
        return []
    day = clock.local(encounter.started_at).date()
    return find_journeys([encounter.patient_id], day).get(encounter.patient_id, [])


def _names(user_ids: set[int | None], who: Person) -> dict[int, str]:
    """Names by account id; without a query when only the reader's own name is needed."""
    return {who.id or 0: who.name} | staff.display_names(
        {user_id for user_id in user_ids if user_id and user_id != who.id}
    )


def _to_reading(row: Any, patient: Patient, names: dict[int, str]) -> readings.Reading:
    return readings.to_reading(row, patient.birth_date, names.get(row.taken_by_id or 0, ""))


def get_patient(encounter: Encounter) -> Patient:
    """The patient of an encounter."""
    return lookup.patient(encounter.patient_id)
