"""Rules of a recorded death: its day, and the reason for a change."""

from __future__ import annotations

from datetime import date

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_

UNKNOWN = "unknown"
"""`Patient.deceased_text` of a death whose day is not known."""
EARLIEST = date(1880, 1, 1)
PATIENT_DIED = N_("The patient has died")
"""The reason of bookings, places and wishes that end with a death."""
MAX_PLACE_LENGTH = 100
MAX_CAUSE_LENGTH = 2000
MAX_REASON_LENGTH = 255


def check_day(died_on: date | None, birth_date: date | None, *, is_estimated: bool, today: date) -> None:
    """Raise `RuleBroken` for a day to come, or before the birth; of an estimated birth only the year counts."""
    if died_on is None:
        return
    if died_on < EARLIEST:
        raise RuleBroken(N_("Check the year."), "died_on")
    if died_on > today:
        raise RuleBroken(N_("The date of death is in the future. Check the date."), "died_on", code="future")
    if birth_date is None:
        return
    is_before = died_on.year < birth_date.year if is_estimated else died_on < birth_date
    if is_before:
        raise RuleBroken(N_("The date of death is before the date of birth. Check both."), "died_on", code="unborn")


def clean_details(place: str, cause: str) -> dict[str, str]:
    """Place and cause as they are stored."""
    return {
        "place": clean_field(place, "place", longest=MAX_PLACE_LENGTH),
        "cause": clean_field(cause, "cause", longest=MAX_CAUSE_LENGTH, multiline=True),
    }
