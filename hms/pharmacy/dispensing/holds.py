"""Putting a line on hold, querying the prescriber, resuming, and closing a line without dispensing the rest."""

from __future__ import annotations

from hms.clinical.models import Prescription
from hms.core.actions import action
from hms.core.db.status import set_status
from hms.core.errors import Conflict, RuleBroken
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.messages.actions import notify

from . import locked_lines

MAX_REASON_LENGTH = 500


@action(Permission.DISPENSE, "pharmacy.hold")
def hold(prescription_id: int, *, reason: str, by: Person) -> Prescription:
    """Put a line on hold; the queue shows it under "On hold"."""
    line = locked_lines.locked_line(prescription_id, by)
    _check_open(line)
    return _set_status(line, "on_hold", _reason(reason))


@action(Permission.DISPENSE, "pharmacy.query")
def query_prescriber(prescription_id: int, *, reason: str, by: Person) -> Prescription:
    """Put a line on hold and send the prescriber an alert with the query."""
    line = locked_lines.locked_line(prescription_id, by)
    _check_open(line)
    held = _set_status(line, "on_hold", _reason(reason))
    if line.prescriber_id is not None:
        notify(
            line.prescriber_id,
            title=N_("Pharmacy query about a prescription"),
            message=f"{line.medication_name}: {line.status_reason}",
            url=f"/encounters/{line.encounter_id}" if line.encounter_id else "",
            kind="query",
            by=by,
        )
    return held


@action(Permission.DISPENSE, "pharmacy.resume")
def resume(prescription_id: int, *, by: Person) -> Prescription:
    """Take a line off hold, so that it may be dispensed."""
    line = locked_lines.locked_line(prescription_id, by)
    if line.status != "on_hold":
        raise Conflict(N_("This medicine is no longer on hold."), code=line.status)
    return _set_status(line, "part_dispensed" if line.quantity_dispensed else "active", "")


@action(Permission.DISPENSE, "pharmacy.close")
def close(prescription_id: int, *, reason: str, by: Person) -> Prescription:
    """Close a line without dispensing the rest: not collected, bought elsewhere, not stocked."""
    line = locked_lines.locked_line(prescription_id, by)
    if line.status != "on_hold":
        _check_open(line)
    return _set_status(line, "completed", _reason(reason))


def _check_open(line: Prescription) -> None:
    if line.status not in locked_lines.DISPENSABLE:
        raise Conflict(locked_lines.NOT_GIVABLE[line.status], code=line.status)


def _reason(text: str) -> str:
    reason = text.strip()
    if not reason:
        raise RuleBroken(N_("Enter the reason for your colleagues."), "reason")
    if len(reason) > MAX_REASON_LENGTH:
        raise RuleBroken(N_("Use at most 500 characters."), "reason")
    return reason


def _set_status(line: Prescription, status: str, reason: str) -> Prescription:
    set_status(line, status)
    line.status_reason = reason
    line.increment_version()
    publish(Event.PRESCRIPTION_CHANGED)
    return line
