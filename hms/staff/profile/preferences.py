"""Rules for a person's preferences: display and language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

CHOICES: dict[str, tuple[str, ...]] = {
    "theme": ("system", "light", "dark"),
    "density": ("comfortable", "compact"),
    "text_size": ("normal", "large", "larger"),
}
FLAGS = frozenset({"shortcuts_off", "sounds", "notify_on_page", "notify_by_email", "notify_by_sms"})
MAX_KEYS, MAX_TEXT_LENGTH = 40, 200
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


def check_language(code: str, offered: Iterable[str]) -> str:
    """Return `code`; raises `RuleBroken` when it is none of the languages `offered`."""
    if code not in offered:
        raise RuleBroken(N_("Choose one of these: %(choices)s."), "language", choices=", ".join(offered))
    return code


def merge_preferences(stored: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The stored preferences with `changes`; raises `RuleBroken` on the wrong preference. Unknown names are allowed."""
    for key, value in changes.items():
        _check(key, value)
    merged = {**stored, **changes}
    if len(merged) > MAX_KEYS:
        raise RuleBroken(N_("There are too many preferences."), "preferences")
    return merged


def _check(key: str, value: Any) -> None:
    if key in CHOICES and value not in CHOICES[key]:
        raise RuleBroken(N_("Choose one of these: %(choices)s."), key, choices=", ".join(CHOICES[key]))
    if key in FLAGS and not isinstance(value, bool):
        raise RuleBroken(N_("Choose yes or no."), key)
    if (
        not _KEY.fullmatch(key)
        or not isinstance(value, (str, bool, int, type(None)))
        or len(str(value)) > MAX_TEXT_LENGTH
    ):
        raise RuleBroken(N_("Send each preference with a short name and a short value."), "preferences")
