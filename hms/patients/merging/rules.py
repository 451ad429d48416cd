"""Rules of merges: the fields that are chosen one by one, differences that must be confirmed, and who may decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hms.core.errors import Conflict, RuleBroken
from hms.core.text.translation import N_
from hms.patients.enums import MergeStatus

MAX_REASON_LENGTH = 255

FIELDS: dict[str, tuple[str, ...]] = {
    "name": ("given_names", "family_name"),
    "title": ("title",),
    "preferred_name": ("preferred_name",),
    "other_names": ("other_names",),
    "sex": ("sex",),
    "birth_date": ("birth_date", "birth_is_estimated"),
    "death": ("deceased_on", "deceased_text"),
    "phone": ("phone", "phone_is_checked"),
    "email": ("email",),
    "address": ("address", "area_id"),
    "next_of_kin": ("next_of_kin",),
    "national_id": ("national_id",),
    "other_numbers": ("other_numbers",),
    "payer": ("payer", "payer_number"),
    "occupation": ("occupation",),
    "language": ("language",),
}
"""The fields of which the kept record has the one value or the other, with their columns."""
SETTLED = {
    "allergy_status": ("allergy_status", "allergy_status_at", "allergy_status_by_id"),
    "restriction": ("is_restricted", "restriction_reason"),
}
"""Fields that nobody chooses: allergies of both records stay known, and a restriction of one holds for both."""
OWN_COLUMNS = (
    *("id", "hospital_number", "number", "status", "merged_into_id", "withdrawn_reason", "external_id"),
    *("contact_numbers", "search_names", "search_digits", "sort_name", "created_at", "updated_at", "version"),
)
"""Columns that each of the two records keeps."""
COLUMNS = tuple(column for columns in (FIELDS | SETTLED).values() for column in columns)
"""The columns of the kept record that a merge may set."""
KEPT, MERGED = "kept", "merged"
MUST_BE_CONFIRMED = {"sex": "unknown", "birth_date": None, "death": None}
"""Fields in which two records of one patient do not differ, with the value that means "not known"."""
_NOT_CONFIRMED = {
    "sex": N_("The two records have different sexes. Check that they are one patient, then confirm the difference."),
    "birth_date": N_(
        "The two records have different dates of birth. Check that they are one patient, then confirm the difference."
    ),
    "death": N_(
        "Only one of the records says that the patient has died, or says it differently. Confirm the difference."
    ),
}

Values = Mapping[str, Any]


def is_empty(values: Values, field: str) -> bool:
    """Whether a record has no value of this field."""
    unknown = MUST_BE_CONFIRMED.get(field)
    if field in ("death", "address", "payer"):  # either column may say something
        return not any(values[column] for column in FIELDS[field])
    return values[FIELDS[field][0]] in (None, "", unknown)


def differing_fields(kept: Values, merged: Values) -> list[str]:
    """The fields in which both records have a value, and not the same one, or only one has a value."""
    return [name for name, columns in FIELDS.items() if any(kept[column] != merged[column] for column in columns)]


def differences(kept: Values, merged: Values) -> list[str]:
    """The differences that somebody must confirm: sex, date of birth, death."""
    differing = differing_fields(kept, merged)
    both = [name for name in ("sex", "birth_date") if not is_empty(kept, name) and not is_empty(merged, name)]
    return [name for name in (*both, "death") if name in differing]


def check_confirmed(found: Iterable[str], confirmed: Iterable[str]) -> None:
    """Raise `RuleBroken` for the first difference that is not confirmed."""
    for name in found:
        if name not in confirmed:
            raise RuleBroken(_NOT_CONFIRMED[name], "confirmed", code=f"{name}_differs")


def usual_choices(kept: Values, merged: Values) -> dict[str, str]:
    """For each differing field the record whose value stays unless somebody chooses: the kept one, if it has a value."""
    return {name: MERGED if is_empty(kept, name) else KEPT for name in differing_fields(kept, merged)}


def check_choices(choices: Mapping[str, str]) -> dict[str, str]:
    """`choices` by field, "kept" or "merged"; `RuleBroken` for anything else."""
    for name, choice in choices.items():
        if name not in FIELDS:
            raise RuleBroken(N_("%(name)s is not a field that is chosen."), "choices", name=str(name)[:50])
        if choice not in (KEPT, MERGED):
            raise RuleBroken(N_('Choose "kept" or "merged" for each field.'), "choices")
    return dict(choices)


def check_approver(requested_by: int, approver: int | None) -> None:
    """Nobody decides their own request; `RuleBroken` otherwise."""
    if requested_by == approver:
        raise RuleBroken(N_("You made this request, so someone else must decide it."), code="own_request")


def check_waiting(status: str) -> None:
    """Only a waiting request is decided; `Conflict` otherwise."""
    if status != MergeStatus.WAITING:
        raise Conflict(N_("This request is already decided. Check the records."), code="decided")


def settled_allergies(kept: Values, merged: Values) -> Values:
    """The record whose allergy status the kept record has: known allergies first, then the answer that there are none."""
    for status in ("known", "none_known"):
        for values in (kept, merged):
            if values["allergy_status"] == status:
                return values
    return kept


def merged_values(kept: Values, merged: Values, choices: Mapping[str, str]) -> dict[str, Any]:
    """The columns of the kept record after the merge; a field without a choice has its usual one."""
    chosen = usual_choices(kept, merged) | choices
    values = {
        column: (merged if chosen.get(name) == MERGED else kept)[column]
        for name, columns in FIELDS.items()
        for column in columns
    }
    allergies = settled_allergies(kept, merged)
    restricted = kept if kept["is_restricted"] or not merged["is_restricted"] else merged
    values |= {column: allergies[column] for column in SETTLED["allergy_status"]}
    return values | {column: restricted[column] for column in SETTLED["restriction"]}


def values_to_restore(present: Values, set_by_merge: Values, before: Values) -> dict[str, Any]:
    """The columns of the kept record that a separation sets back: those of fields that nobody changed since the merge."""
    return {
        column: before[column]
        for columns in (FIELDS | SETTLED).values()
        if all(column in set_by_merge and present[column] == set_by_merge[column] for column in columns)
        for column in columns
    }
