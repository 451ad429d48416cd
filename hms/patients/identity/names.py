"""People's names: any script, any order, one name or many; stored without splitting or changing capitals."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import clean_name
from hms.core.text.translation import N_

MAX_NAME_LENGTH = 100
UNKNOWN_FAMILY = "UNKNOWN"
SEXES = {"female": N_("Female"), "male": N_("Male"), "other": N_("Other"), "unknown": N_("Not known")}
"""Words for the codes of FHIR's AdministrativeGender."""
_GENDERS = {"male": "M", "female": "F", "other": "O", "unknown": "U"}
_OTHER_SPELLINGS = {"man": "male", "boy": "male", "woman": "female", "girl": "female", "intersex": "other"} | {
    "not known": "unknown",
    "unk": "unknown",
    "n": "unknown",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Names(NamedTuple):
    """Given names and family name; a single name is in `given`, with an empty `family`."""

    given: str
    family: str


def clean_names(given: str | None, family: str | None) -> Names:
    """The cleaned names; raises `RuleBroken` on `first_name` or `last_name`."""
    first, last = _cleaned(given, "first_name"), _cleaned(family, "last_name")
    if not first and not last:
        raise RuleBroken(
            N_("Enter at least one name. If the patient is not identified, choose Unknown patient."), "first_name"
        )
    return Names(first, last) if first else Names(last, "")


def _cleaned(name: str | None, field: str) -> str:
    tidy = clean_name(name, field, longest=MAX_NAME_LENGTH)
    if tidy and not any(c.isalnum() for c in tidy):
        raise RuleBroken(N_("Enter the name in letters."), field)
    return tidy


def parse_sex(value: str | None, field: str = "gender") -> str:
    """`female`, `male`, `other` or `unknown` for M, F, Male, female, U …; raises `RuleBroken` for other values."""
    word = " ".join((value or "").split()).casefold()
    if word in SEXES:
        return word
    by_letter = {code.casefold(): name for name, code in _GENDERS.items()}
    known = by_letter.get(word) or _OTHER_SPELLINGS.get(word)
    if known is None:
        raise RuleBroken(N_("Choose Female, Male, Other or Not known."), field)
    return known


def gender_code(sex_name: str) -> str:
    """`M`, `F`, `O` or `U`, as programs of the first version of the API expect it."""
    return _GENDERS[sex_name]


def name_unknown_person(sex_name: str, day: date, nth: int) -> Names:
    """The temporary name of the `nth` (from 0) unidentified patient of that sex and day: UNKNOWN, Male 22-Nov A."""
    who = "Person" if sex_name == "unknown" else SEXES[sex_name]
    return Names(f"{who} {day.day:02d}-{_MONTHS[day.month - 1]} {_letters(nth)}", UNKNOWN_FAMILY)


def _letters(nth: int) -> str:
    """A … Z, AA, AB …"""
    letters = ""
    while nth >= 0:
        nth, place = divmod(nth, 26)
        letters = chr(ord("A") + place) + letters
        nth -= 1
    return letters


def format_listed_name(given: str, family: str, title: str = "") -> str:
    """The name in lists and on the banner: `KAMARA, Kadiatu (Mrs)`; a single name stands alone."""
    whole = f"{family.upper()}, {given}" if family and given else given or family.upper()
    return f"{whole} ({title})" if title else whole
