"""After the signature: a prescriber answers the pharmacy's question about an order, or stops the order."""

from __future__ import annotations

from hms.core.actions import action
from hms.core.alerts import Alert, alert
from hms.core.db import db
from hms.core.errors import Conflict, NotAllowed, NotFound, RuleBroken
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.records import locked
from hms.core.text import clean_field
from hms.core.words import Sentence, _

from .models import Encounter, Prescription

OPEN = ("active", "on_hold", "part_dispensed")
LONGEST = 500


def is_own(line: Prescription, encounter: Encounter | None, who: Person) -> bool:
    """Whether `who` ordered it, or whose encounter it belongs to is theirs."""
    return who.id in (line.prescriber_id, encounter.doctor_id if encounter else None)


@action(Action.PRESCRIBE, "clinical.answer_question")
def answer_question(prescription_id: int, *, text: str, encounter_id: int | None = None, by: Person) -> Prescription:
    """Answer why the order is as it is; the line is released to be dispensed, with the answer beside it."""
    line = _open_line(prescription_id, encounter_id, by)
    if line.status != "on_hold":
        raise Conflict(_("This medicine is not on hold any more."), code=line.status)
    told = Sentence(_("%(name)s answers: %(text)s"), name=by.name, text=_cleaned(text, _("Write the answer.")))
    return _set(line, "part_dispensed" if line.quantity_dispensed else "active", str(told))


@action(Action.PRESCRIBE, "clinical.stop_prescription")
def stop_prescription(prescription_id: int, *, text: str, encounter_id: int | None = None, by: Person) -> Prescription:
    """Stop an order: nothing more of it is dispensed, and it no longer counts as taken."""
    line = _open_line(prescription_id, encounter_id, by)
    told = Sentence(_("%(name)s stopped it: %(text)s"), name=by.name, text=_cleaned(text, _("Say why it is stopped.")))
    return _set(line, "stopped", str(told))


def _open_line(prescription_id: int, encounter_id: int | None, by: Person) -> Prescription:
    line = locked(Prescription, prescription_id)
    if encounter_id is not None and line.encounter_id != encounter_id:
        raise NotFound(_("There is no such line."))
    encounter = db.session.get(Encounter, line.encounter_id) if line.encounter_id else None
    if not is_own(line, encounter, by):
        raise NotAllowed(_("This medicine was ordered by a colleague."))
    if line.status not in OPEN:
        raise Conflict(_("This order is closed already."), code=line.status)
    return line


def _cleaned(text: str, missing: str) -> str:
    cleaned = clean_field(text, "text", longest=LONGEST, multiline=True)
    if not cleaned:
        raise RuleBroken(missing, "text")
    return cleaned


def _set(line: Prescription, status: str, reason: str) -> Prescription:
    line.status, line.status_reason = status, reason
    line.changed()
    alert(Alert.PRESCRIPTION_CHANGED)
    db.session.flush()
    return line
