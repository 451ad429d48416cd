"""How pages look and speak for one person: what may be chosen. Plain Python, no database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

LANGUAGES = {"en": "English", "fr": "Français", "sw": "Kiswahili"}
CHOICES: dict[str, tuple[str, ...]] = {
    "theme": ("system", "light", "dark"),
    "density": ("comfortable", "compact"),
    "text_size": ("normal", "large", "larger"),
}
FLAGS = frozenset({"shortcuts_off", "sounds", "notify_on_page", "notify_by_email"})
MAX_KEYS, MAX_TEXT_LENGTH = 40, 200
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


def check_language(code: str) -> str:
    """`code`, when pages exist in it."""
    if code not in LANGUAGES:
        raise RuleBroken(N_("Choose one of these: %(choices)s."), "language", choices=", ".join(LANGUAGES))
    return code


def merge_preferences(before: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """`before` with what was chosen now; `RuleBroken` names the preference. Others' small preferences are kept as they are."""
    for key, value in chosen.items():
        _check(key, value)
    after = {**before, **chosen}
    if len(after) > MAX_KEYS:
        raise RuleBroken(N_("There are too many preferences."), "preferences")
    return after


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
        raise RuleBroken(N_("A preference has a short name and a short value."), "preferences")
