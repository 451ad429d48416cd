"""An identity that was imported before never changes without a person."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from hms.core.text.cleaning import fold
from hms.patients.identity.names import UNKNOWN_FAMILY

NAMES = ("given_names", "family_name", "first_name", "last_name")


def contradicts(stored: Any, values: dict[str, Any]) -> bool:
    """Whether the name, the birth or the sex in `values` is another than the stored one. What becomes known is no
    contradiction, nor another name beside the same ones."""
    return _has_other_name(stored, values) or _has_other_birth(stored, values) or _has_other_sex(stored, values)


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
