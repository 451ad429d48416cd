"""What programs ask with: the state and the encounter they name, under either of the original's spellings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import request

from hms.core.errors import Conflict, NotFound, RuleBroken
from hms.core.people import Person
from hms.core.same_patient import check_same_patient
from hms.core.words import _

from . import queries


def wanted_state(known: tuple[str, ...]) -> str | None:
    """The argument `status` of a list; `RuleBroken` when it is none of `known`."""
    wanted = request.args.get("status")
    if wanted is not None and wanted not in known:
        raise RuleBroken(_('"%(word)s" is not a valid choice.'), "status", word=wanted[:50])
    return wanted


def either(given: dict[str, Any], name: str) -> Any:
    """What a body gives under `name`, or under the same with `_id`."""
    return given.get(name) if given.get(name) is not None else given.get(f"{name}_id")


def needed_encounter(given: dict[str, Any]) -> int:
    """The encounter that a body must name."""
    encounter_id = either(given, "encounter")
    if encounter_id is None:
        raise RuleBroken("This field is required.", "encounter")
    return encounter_id


def check_named_patient(given: dict[str, Any], encounter_id: int) -> None:
    """`RuleBroken` when a body also names a patient or an encounter, and it is not that of `encounter_id`."""
    if either(given, "encounter") not in (None, encounter_id):
        raise RuleBroken(_("The address names another encounter."), "encounter")
    patient_id = either(given, "patient")
    if patient_id is not None:
        check_same_patient(patient_id, encounter=encounter_id)


def check_encounter(encounter_id: int, who: Person) -> None:
    """`RuleBroken` at the field when `who` knows of no such encounter."""
    with naming(encounter_id):
        queries.encounter_found(encounter_id, who)


@contextmanager
def naming(encounter_id: int) -> Iterator[None]:
    """What is done to an encounter that the body names: when there is none, or not any more, that is said at the field."""
    try:
        yield
    except (NotFound, Conflict) as refused:
        if isinstance(refused, Conflict) and refused.code != "withdrawn":
            raise
        raise RuleBroken(_('Invalid pk "%(id)s" - object does not exist.'), "encounter", id=encounter_id) from None
