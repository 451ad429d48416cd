"""Carries out an approved request: two records become one, or are two again."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.events import Event, publish
from hms.core.person import Person
from hms.patients.allergies import actions as allergy_actions
from hms.patients.death.actions import end_what_is_open
from hms.patients.enums import PatientStatus
from hms.patients.models import Patient, PatientMerge

from . import moved_rows, rules
from .moved_rows import Row

SHOWN_ROWS_CHANGED = (
    Event.QUEUE_CHANGED,
    Event.APPOINTMENTS_CHANGED,
    Event.BILL_CHANGED,
    Event.PRESCRIPTION_CHANGED,
    Event.LAB_CHANGED,
)


def values_of(patient: Patient) -> dict[str, Any]:
    """The columns of a record that a merge compares and sets."""
    return {column: getattr(patient, column) for column in rules.COLUMNS}


def differences(kept: Patient, merged: Patient) -> list[str]:
    """The differences of the two records that somebody must confirm."""
    return rules.differences(values_of(kept), values_of(merged))


def usual_choices(kept: Patient, merged: Patient) -> dict[str, str]:
    """For each field in which the records differ, whose value stays unless somebody chooses."""
    return rules.usual_choices(values_of(kept), values_of(merged))


def merge(request: PatientMerge, kept: Patient, merged: Patient) -> None:
    """Move every row of `merged` to `kept`, and set the chosen values. Both are locked."""
    before = {"kept": values_of(kept), "merged": values_of(merged)}
    values = rules.merged_values(before["kept"], before["merged"], request.choices)
    request.before = _as_json(before | {"set": values})
    with moved_rows.moving(request):
        moved_rows.note_rows_of_both(request)
        moved_rows.move_rows(request, giver=merged.id, taker=kept.id)
        _set(kept, values)
        set_status(merged, PatientStatus.MERGED)
        merged.merged_into_id = kept.id
        merged.increment_version()
    if kept.has_died:
        end_what_is_open(kept.id)
    _publish()


def separate(request: PatientMerge, undone: PatientMerge, kept: Patient, merged: Patient, by: Person) -> None:
    """Give `merged` its rows back, with those that the request chose, and set back what the merge had set. Both are locked."""
    plan = moved_rows.plan_separation(undone)
    moved_rows.check_not_tangled(plan)
    chosen = (Row(table, row_id) for table, row_id in request.choices["rows"])
    with moved_rows.moving(request):
        set_status(merged, PatientStatus.ACTIVE)
        merged.merged_into_id = None
        merged.increment_version()
        db.session.flush()
        moved_rows.note_rows(request, plan.to_merged(chosen))
        moved_rows.move_rows(request, giver=kept.id, taker=merged.id)
        _restrict_both(undone, kept, merged)
        _set(kept, values_to_restore(undone, kept))
        for patient in (kept, merged):
            allergy_actions.match_status_to_allergies(patient, by)
    _publish()


def _restrict_both(undone: PatientMerge, kept: Patient, merged: Patient) -> None:
    """Give the separated record a restriction that was set since the merge: it may be about either of the two."""
    before = undone.before or {"set": {}, "kept": {}}
    was_restricted = before["set"].get("is_restricted", before["kept"].get("is_restricted", False))
    if kept.is_restricted and not was_restricted and not merged.is_restricted:
        merged.is_restricted, merged.restriction_reason = True, kept.restriction_reason


def values_to_restore(undone: PatientMerge, kept: Patient) -> dict[str, Any]:
    """The columns of the kept record that a separation sets back; those that somebody changed since the merge stay."""
    before = undone.before or {"set": {}, "kept": {}}
    return rules.values_to_restore(values_of(kept), _from_json(before["set"]), _from_json(before["kept"]))


def _set(patient: Patient, values: dict[str, Any]) -> None:
    changed = {column: value for column, value in values.items() if getattr(patient, column) != value}
    for column, value in changed.items():
        setattr(patient, column, value)
    patient.increment_version()


def _publish() -> None:
    for event in SHOWN_ROWS_CHANGED:
        publish(event)


def _as_json(images: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            column: value.isoformat() if isinstance(value, date | datetime) else value
            for column, value in image.items()
        }
        for name, image in images.items()
    }


def _from_json(image: dict[str, Any]) -> dict[str, Any]:
    """The columns of a stored record with their own types."""
    types = {column: Patient.__table__.c[column].type.python_type for column in image}
    return {
        column: types[column].fromisoformat(value) if value is not None and types[column] in (date, datetime) else value
        for column, value in image.items()
    }
