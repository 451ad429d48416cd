"""The languages of messages, and how dates and times are written in them."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from babel import Locale
from babel.dates import format_date, format_time

from hms.core import clock

LANGUAGES = ("en", "fr", "pt")
ENGLISH = "en"


def language_labels() -> dict[str, str]:
    """The languages of messages, each with its own name."""
    return {code: (Locale.parse(code).get_display_name(code) or code).capitalize() for code in LANGUAGES}


def find_language(recorded: str) -> str | None:
    """The code of the language that a patient's record names ("French", "français", "fr"); None when it has no texts."""
    word = _fold(recorded)
    for code in LANGUAGES:
        locale = Locale.parse(code)
        names = {code, locale.get_display_name(ENGLISH) or "", locale.get_display_name(code) or ""}
        if word in {_fold(name) for name in names}:
            return code
    return None


def _fold(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def say_day(instant: datetime, language: str) -> str:
    """The day in hospital time: "Mon 30 Nov", "lun. 30 nov."."""
    return format_date(clock.local(instant).date(), "EEE d MMM", locale=language)


def say_time(instant: datetime, language: str) -> str:
    """The time in hospital time: "09:15"."""
    return format_time(clock.local(instant).replace(tzinfo=None), "HH:mm", locale=language)
