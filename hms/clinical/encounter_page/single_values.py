"""Single values of the encounter page, read in one query."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlalchemy import Select, bindparam, false, null, select

from hms.billing.bills import queries as billing
from hms.clinical import signing
from hms.clinical.encounters import drafts
from hms.clinical.models import Encounter
from hms.core import drafts as core_drafts
from hms.core.db.session import db
from hms.core.money import ZERO, Money
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.patients.models import Patient


@dataclass(frozen=True)
class SingleValues:
    """`unsaved` are the reader's texts of this encounter; `owed` is None for people who may not add charges."""

    asks_birth_year: bool
    owed: Money | None
    unsaved: tuple[drafts.UnsavedText, ...]


def load(encounter: Encounter, patient: Patient, who: Person) -> SingleValues:
    """The single values of the page of an encounter for `who`."""
    sees_owed = who.may(Permission.ADD_CHARGE)
    is_open, is_own = encounter.status == "in_progress", encounter.doctor_id == who.id
    row = db.session.execute(
        _select_values(is_open=is_open, is_own=is_own, sees_owed=sees_owed),
        {"form": drafts.draft_name(encounter.id)} | signing.other_patient_values(patient, who),
    ).one()
    return SingleValues(
        asks_birth_year=signing.must_ask_birth_year_of(row),
        owed=(row.owed or ZERO) if sees_owed else None,
        unsaved=drafts.parse_texts(row.draft or {}),
    )


@cache
def _select_values(*, is_open: bool, is_own: bool, sees_owed: bool) -> Select:
    """A value that is not shown is a constant."""
    no_other_patient = false().label("unsaved"), false().label("twin")
    owed = billing.owed_select(bindparam("patient_id")).scalar_subquery() if sees_owed else null()
    own_draft = select(core_drafts.Draft.content).where(
        core_drafts.Draft.person_id == bindparam("person_id"), core_drafts.Draft.form == bindparam("form")
    )
    draft = own_draft.scalar_subquery() if is_own else null()
    other_patients = signing.other_patient_columns() if is_open else no_other_patient
    return select(*other_patients, owed.label("owed"), draft.label("draft"))
