"""Unusual vital signs in the queue: how urgent they make a waiting patient, and the note beside the patient.

Critical values make a patient urgent, as does a sign of a child in the outermost band; a high NEWS2, whose advice is an
emergency call, makes the patient an emergency.
"""

from __future__ import annotations

from flask import get_template_attribute

from hms.appointments.enums import Priority
from hms.appointments.queue import transitions
from hms.clinical.models import VitalsReading
from hms.core import clock
from hms.core.web.localisation import translate
from hms.patients.models import Patient

from .readings import Reading, to_reading

HIGH_RISK = "high"


def needed_priority(reading: Reading) -> Priority | None:
    """The lowest priority that a patient with these values may wait with; None when no value is critical."""
    if reading.news2 is not None and reading.news2.band == HIGH_RISK:
        return Priority.EMERGENCY
    has_critical = any(measure.flag.is_critical for measure in reading.flagged)
    needs_review = any(score is not None and score.needs_review for score in (reading.news2, reading.child))
    return Priority.URGENT if has_critical or needs_review else None


def move_up(row: VitalsReading, patient: Patient) -> None:
    """Raise the patient's priority in today's queue when a reading of today needs it; it is never lowered."""
    needed = needed_priority(to_reading(row, patient.birth_date))
    if needed is not None and clock.local(row.taken_at).date() == clock.today():
        transitions.raise_priority(patient.id, needed)


def describe_concerns(reading: Reading) -> str:
    """The critical values and a NEWS2 that needs a review, as one line of text; "" when there is none."""
    texts = [f"{m.label} {m.text} {m.flag.word}" for m in reading.flagged if m.flag.is_critical]
    if reading.news2 is not None and reading.news2.needs_review:
        texts.append(f"NEWS2 {reading.news2.total}")
    if reading.child is not None and reading.child.needs_review:
        texts.append(translate(reading.child.sentence))
    return ", ".join(texts)


def board_note(reading: Reading, *, knows_age: bool) -> str:
    """The markup of a reading in its row of the queue: unusual values with colour, else which values are normal.

    Values without a usual range are never called normal, and no value is when the age is not recorded.
    """
    show_note = get_template_attribute("clinical/_board_note.html", "board_note")
    flagged = sorted(reading.flagged, key=lambda measure: not measure.flag.is_critical)
    normal = [measure.label for measure in reading.measures if measure.is_normal] if knows_age else []
    return show_note(flagged, reading.news2, normal, reading.child)
