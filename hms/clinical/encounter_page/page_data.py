"""All that the encounter page shows, gathered in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hms.billing.bills import queries as billing
from hms.clinical import copy_forward, page_extensions, signing
from hms.clinical.diagnoses import codes
from hms.clinical.diagnoses import queries as diagnosis_queries
from hms.clinical.encounters import drafts, history, rules
from hms.clinical.encounters import queries as encounter_queries
from hms.clinical.encounters.history import Visit
from hms.clinical.encounters.rules import Diagnosis
from hms.clinical.models import Encounter
from hms.clinical.note_templates import actions
from hms.clinical.prescriptions import display, patient_context
from hms.clinical.vitals import readings
from hms.core.actions import action_context
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.patients import lookup
from hms.patients.models import Patient
from hms.patients.records import actions as patient_actions
from hms.patients.records import banner as record_banner
from hms.staff import directory as staff

MAX_NOTES = 2


@dataclass
class Earlier:
    """What this encounter may take over from earlier ones."""

    medicines: list[display.Line]
    problems: list[Any]
    visits: list[Visit]

    def __bool__(self) -> bool:
        return bool(self.medicines or self.problems or self.visits)


@dataclass
class EncounterPage:
    """An encounter with all that its page shows beside it."""

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
    sections: list[tuple[page_extensions.Section, Any]]

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
            [visit for visit in self.visits if visit.notes and visit.is_signed][:MAX_NOTES],
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


def load_page(encounter_id: int, who: Person) -> EncounterPage:
    """The page of one encounter; `NotFound` when there is none. The reading goes into the trail, all in one transaction."""
    with action_context("clinical.open_chart", who):
        encounter, patient = encounter_queries.encounter_with_patient(encounter_id, who)
        patient_actions.record_chart_opening(patient, by=who)
        return _gathered(encounter, patient, who)


def _gathered(encounter: Encounter, patient: Patient, who: Person) -> EncounterPage:
    is_open = encounter.status == "in_progress"
    addenda = [] if is_open else encounter_queries.addenda_of(encounter.id)
    reading = readings.last_of(encounter.id)
    taken_by = {reading.taken_by_id} if reading else set()
    names = _names({encounter.doctor_id, *(one.author_id for one in addenda), *taken_by}, who)
    orders = display.shown(patient_context.shown_beside(patient.id, encounter.id))
    return EncounterPage(
        encounter=encounter,
        patient=patient,
        banner=record_banner.patient_banner(patient, who),
        doctor=names.get(encounter.doctor_id or 0, encounter.performer_name),
        reading=_shown(reading, patient, names) if reading else None,
        conditions=diagnosis_queries.conditions_of(encounter.id),
        lines=[one for one in reversed(orders) if one.encounter_id == encounter.id],
        current=[one for one in orders if one.encounter_id != encounter.id],
        visits=history.last(patient.id, but_not=encounter.id),
        addenda=addenda,
        names=names,
        unsaved=drafts.of(encounter.id, who) if encounter.doctor_id == who.id else (),
        asks_birth_year=is_open and signing.asks_birth_year(patient, who),
        owed=billing.owed(patient.id) if who.may(Permission.ADD_CHARGE) else None,
        problems=copy_forward.problems(patient.id) if is_open else [],
        sections=page_extensions.all_of(encounter),
        templates=actions.titles(who) if is_open and who.may(Permission.WRITE_ENCOUNTER) else [],
    )


def _names(user_ids: set[int | None], who: Person) -> dict[int, str]:
    """Names by account; mostly it is the reader's own."""
    return {who.id or 0: who.name} | staff.display_names({one for one in user_ids if one and one != who.id})


def _shown(row: Any, patient: Patient, names: dict[int, str]) -> readings.Reading:
    return readings.shown(row, patient.birth_date, names.get(row.taken_by_id or 0, ""))


def patient_of(encounter: Encounter) -> Patient:
    """Whose encounter it is."""
    return lookup.patient(encounter.patient_id)
