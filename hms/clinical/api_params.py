"""The parameters by which lists are narrowed, and the encounter that a body names, in either spelling."""

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
from .models import Encounter
from .prescriptions import queries as prescription_queries


def may_read_every_encounter(who: Person) -> bool:
    """Whether `who` reads what is in every encounter that is listed to them; else they may not sort them by it either."""
    return encounter_queries.may_read_clinical(who) and not always_needs_reason(who)


def may_read_every_prescription(who: Person) -> bool:
    """Whether `who` reads which medicine, and whose, in every prescription that is listed to them."""
    return prescription_queries.may_read_prescriptions(who) and not always_needs_reason(who)


def encounter_date_column(who: Person) -> Any:
    """The instant by which encounters lie in days: when they began, or for those who do not see that, when they were entered."""
    return Encounter.started_at if may_read_every_encounter(who) else Encounter.created_at


def get_reference(given: dict[str, Any], name: str) -> Any:
    """What a body gives under `name`, or under the same with `_id`."""
    return given.get(name) if given.get(name) is not None else given.get(f"{name}_id")


def require_encounter_id(given: dict[str, Any]) -> int:
    """The encounter that a body must name."""
    encounter_id = get_reference(given, "encounter")
    if encounter_id is None:
        raise RuleBroken("This field is required.", "encounter")
    return encounter_id


def check_named_patient(given: dict[str, Any], encounter_id: int) -> None:
    """`RuleBroken` when a body also names a patient or an encounter, and it is not that of `encounter_id`."""
    if get_reference(given, "encounter") not in (None, encounter_id):
        raise RuleBroken(N_("The address belongs to another encounter."), "encounter")
    patient_id = get_reference(given, "patient")
    if patient_id is not None:
        check_same_patient(patient_id, encounter=encounter_id)


def check_encounter_exists(encounter_id: int, who: Person) -> None:
    """`RuleBroken` at the field when `who` knows of no such encounter."""
    with errors_at_encounter_field(encounter_id):
        encounter_queries.get_encounter(encounter_id, who)


@contextmanager
def errors_at_encounter_field(encounter_id: int) -> Iterator[None]:
    """What is done to an encounter that the body names: when there is none, or not any more, that is said at the field."""
    try:
        yield
    except (NotFound, Conflict) as refused:
        if isinstance(refused, Conflict) and refused.code != "withdrawn":
            raise
        raise RuleBroken(N_('Invalid pk "%(id)s" - object does not exist.'), "encounter", id=encounter_id) from None
