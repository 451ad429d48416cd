"""An identity that was imported before never changes without a person."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from hms.core.text.cleaning import fold
from hms.patients.identity.names import UNKNOWN_FAMILY

UNKNOWN = (None, "", "unknown", UNKNOWN_FAMILY)
DECIDED_BY = {
    "title": "family_name",
    "given_names": "family_name",
    "birth_is_estimated": "birth_date",
    "deceased_text": "deceased_on",
    "phone_is_checked": "phone",
}
"""Columns that are taken over only together with another one."""
NAMES = ("given_names", "family_name", "first_name", "last_name")


def contradicts(stored: Any, values: dict[str, Any]) -> bool:
    """Whether the name, the birth or the sex in `values` is another than the stored one. What becomes known is no
    contradiction, nor another name beside the same ones."""
    return _has_other_name(stored, values) or _has_other_birth(stored, values) or _has_other_sex(stored, values)


def keep_known(stored: Any, values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`changes` without those that would take away something known of the identity: a name that is only left out or written
    in other letters, a day of birth of which only the year is said now, a sex that is not said any more."""
    kept: set[str] = set()
    if stored.get("family_name") != UNKNOWN_FAMILY and _words(values) <= _words(stored):
        kept.update(NAMES)
    if stored.get("birth_date") and not stored["birth_is_estimated"]:
        kept.update(("birth_date", "birth_is_estimated"))
    if values.get("sex") == "unknown":
        kept.add("sex")
    return {name: value for name, value in changes.items() if name not in kept}


def only_unknown(stored: Any, changes: dict[str, Any]) -> dict[str, Any]:
    """Of `changes` what the stored record does not say yet. What belongs together is taken together."""
    unknown = {name for name in changes if stored[DECIDED_BY.get(name, name)] in UNKNOWN}
    return {name: changes[name] for name in unknown if changes[name] not in UNKNOWN}


def _words(values: Any) -> set[str]:
    text = " ".join(str(values[name]) for name in NAMES if name in values)
    return {word for word in re.split(r"\W+", fold(text)) if word}


def _has_other_name(stored: Any, values: dict[str, Any]) -> bool:
    if stored.get("family_name") == UNKNOWN_FAMILY:
        return False
    before, now = _words(stored), _words(values)
    return not (before <= now or now <= before)


def _has_other_birth(stored: Any, values: dict[str, Any]) -> bool:
    before, now = stored.get("birth_date"), values.get("birth_date")
    if not isinstance(before, date) or not isinstance(now, date):
        return False
    if stored["birth_is_estimated"] or values["birth_is_estimated"]:
        return before.year != now.year
    return before != now


def _has_other_sex(stored: Any, values: dict[str, Any]) -> bool:
    before, now = stored.get("sex", "unknown"), values.get("sex", "unknown")
    return "unknown" not in (before, now) and before != now
