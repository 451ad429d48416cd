"""Lines that wait: held, queried with the prescriber, resumed, or closed without giving the rest."""

from __future__ import annotations

from hms.clinical.models import Prescription
from hms.core.actions import action
from hms.core.errors import Conflict, RuleBroken
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.messages.actions import tell

from . import locked_lines

MAX_REASON_LENGTH = 500


@action(Permission.DISPENSE, "pharmacy.hold")
def hold(prescription_id: int, *, reason: str, by: Person) -> Prescription:
    """Put a line on hold; it stays in the queue under its own heading."""
    line = locked_lines.locked_line(prescription_id, by)
    _check_open(line)
    return _set(line, "on_hold", _reason(reason))


@action(Permission.DISPENSE, "pharmacy.query")
def query_prescriber(prescription_id: int, *, reason: str, by: Person) -> Prescription:
    """Ask the prescriber: the line is on hold until it is resumed, and the prescriber is told."""
    line = locked_lines.locked_line(prescription_id, by)
    _check_open(line)
    asked = _set(line, "on_hold", _reason(reason))
    if line.prescriber_id is not None:
        tell(
            line.prescriber_id,
            title=N_("Pharmacy query about a prescription"),
            message=line.status_reason,
            url=f"/encounters/{line.encounter_id}" if line.encounter_id else "",
            kind="query",
            by=by,
        )
    return asked


@action(Permission.DISPENSE, "pharmacy.resume")
def resume(prescription_id: int, *, by: Person) -> Prescription:
    """Take a line off hold; it may be dispensed again."""
    line = locked_lines.locked_line(prescription_id, by)
    if line.status != "on_hold":
        raise Conflict(N_("This medicine is no longer on hold."), code=line.status)
    return _set(line, "part_dispensed" if line.quantity_dispensed else "active", "")


@action(Permission.DISPENSE, "pharmacy.close")
def close(prescription_id: int, *, reason: str, by: Person) -> Prescription:
    """End a line though not all of it was given: not collected, bought elsewhere, not stocked."""
    line = locked_lines.locked_line(prescription_id, by)
    if line.status != "on_hold":
        _check_open(line)
    return _set(line, "completed", _reason(reason))


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


def _set(line: Prescription, status: str, reason: str) -> Prescription:
    line.status, line.status_reason = status, reason
    line.increment_version()
    publish(Event.PRESCRIPTION_CHANGED)
    return line
