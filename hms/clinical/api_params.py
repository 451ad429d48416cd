"""Checks of list parameters and of the encounter and patient that an API body names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hms.core.errors import Conflict, NotFound, RuleBroken
from hms.core.person import Person
from hms.core.same_patient import check_same_patient
from hms.core.text.translation import N_
from hms.patients.access.reader import always_needs_reason

from .encounters import queries as encounter_queries
from .prescriptions import queries as prescription_queries


def may_read_every_encounter(who: Person) -> bool:
    """Whether `who` may read the content of every encounter in a list; only then may they filter by it."""
    return encounter_queries.may_read_clinical(who) and not always_needs_reason(who)


def may_read_every_prescription(who: Person) -> bool:
    """Whether `who` may read the medicine and the patient of every prescription in a list."""
    return prescription_queries.may_read_prescriptions(who) and not always_needs_reason(who)


def get_reference(payload: dict[str, Any], name: str) -> Any:
    """The value of `name` in a body, else of `name` with `_id`; None when both are missing."""
    return payload.get(name) if payload.get(name) is not None else payload.get(f"{name}_id")


def require_encounter_id(payload: dict[str, Any]) -> int:
    """The id of the encounter in a body; raises `RuleBroken` when it is missing."""
    encounter_id = get_reference(payload, "encounter")
    if encounter_id is None:
        raise RuleBroken("This field is required.", "encounter")
    return encounter_id


def check_named_patient(payload: dict[str, Any], encounter_id: int) -> None:
    """Raise `RuleBroken` when a body names another encounter, or another patient than that of `encounter_id`."""
    if get_reference(payload, "encounter") not in (None, encounter_id):
        raise RuleBroken(N_("The address belongs to another encounter."), "encounter")
    patient_id = get_reference(payload, "patient")
    if patient_id is not None:
        check_same_patient(patient_id, encounter=encounter_id)


def check_encounter_exists(encounter_id: int, who: Person) -> None:
    """Raise `RuleBroken` at the field `encounter` when the encounter does not exist for `who`."""
    with errors_at_encounter_field(encounter_id):
        encounter_queries.get_encounter(encounter_id, who)


@contextmanager
def errors_at_encounter_field(encounter_id: int) -> Iterator[None]:
    """Turn `NotFound` and a withdrawn encounter inside the block into `RuleBroken` at the field `encounter`."""
    try:
        yield
    except (NotFound, Conflict) as refusal:
        if isinstance(refusal, Conflict) and refusal.code != "withdrawn":
            raise
        raise RuleBroken(N_('Invalid pk "%(id)s" - object does not exist.'), "encounter", id=encounter_id) from None
