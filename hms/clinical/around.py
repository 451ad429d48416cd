"""What stands around an encounter on its page, asked for in one statement: every list comes as one value.

Each desk says what it would ask; asked one by one, the sending of the questions would cost more than the answers.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, null, select

from hms.billing import queries as billing
from hms.core import clock
from hms.core.drafts import Draft
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.statements import built_once
from hms.core.together import as_value
from hms.patients import queries as patients
from hms.patients.models import Patient
from hms.patients.reader import Reader, reader

from . import continuing, medicines, note_templates, queries, readings, signing, unsaved, visits
from .models import Condition, Encounter, NoteTemplate


def of(encounter: Encounter, whom: Patient, who: Person) -> Any:
    """One row: banner, vital signs, diagnoses, medicines, visits, what is owed, and what its writer needs besides."""
    forms = {"is_own": encounter.doctor_id == who.id, "is_open": encounter.status == "in_progress"}
    rights = {"with_allergies": patients.reads_allergies(who), "with_owed": who.may(Action.ADD_CHARGE)}
    return _around(
        *(encounter.id, whom.id, patients.sorted_as(whom), whom.family_name, whom.given_names),
        *(who.id, who.department_id or 0, unsaved.draft_name(encounter.id)),
        *(clock.today(), clock.day_bounds(clock.today())[0]),
        **forms,
        **rights,
        who=reader(who),
    ).one()


@built_once
def _around(
    encounter_id: Any,
    patient_id: Any,
    name: Any,
    family_name: Any,
    given_names: Any,
    person_id: Any,
    department_id: Any,
    draft_name: Any,
    on: Any,
    since: Any,
    *,
    is_own: bool,
    is_open: bool,
    with_allergies: bool,
    with_owed: bool,
    who: Reader,
) -> Select:
    asked = [
        *patients.for_banner(patient_id, name, with_allergies=with_allergies, who=who),
        as_value("readings", readings.last_of(encounter_id)),
        as_value("conditions", _diagnosed(encounter_id)),
        as_value("orders", medicines.around(patient_id, encounter_id)),
        as_value("visits", visits.last_of(patient_id).where(Encounter.__table__.c.id != encounter_id)),
        (_typed(person_id, draft_name) if is_own else null()).label("draft"),
        (billing.owed_of(patient_id).scalar_subquery() if with_owed else null()).label("owed"),
    ]
    if is_open:
        asked += signing.others(person_id, since, patient_id, on, family_name, given_names)
        asked += as_value("problems", continuing.problems_of(patient_id)), _templates(person_id, department_id)
    return select(*asked)


def _diagnosed(encounter_id: Any) -> Select:
    names = ("id", "title", "code", "code_system", "certainty", "rank")
    return queries.diagnosed(encounter_id).with_only_columns(*(Condition.__table__.c[name] for name in names))


def _typed(person_id: Any, draft_name: Any) -> Any:
    return select(Draft.content).where(Draft.person_id == person_id, Draft.form == draft_name).scalar_subquery()


def _templates(person_id: Any, department_id: Any) -> Any:
    shown = (NoteTemplate.id, NoteTemplate.shortcut, NoteTemplate.title)
    return as_value("templates", note_templates.readable_by(person_id, department_id).with_only_columns(*shown))
