"""The hospital's decimal sign, from the setting `hospital.decimal_sign`; by default the usual one of its country."""

from __future__ import annotations

from functools import cache

from babel.core import UnknownLocaleError
from babel.languages import get_official_languages
from babel.numbers import get_decimal_symbol
from flask import current_app

from hms.core.text.numbers import COMMA, POINT

from . import store

SETTING = "hospital.decimal_sign"
SIGNS = {"point": POINT, "comma": COMMA}


def decimal_sign() -> str:
    """The sign before the decimals of numbers that are typed and printed on the hospital's pages and papers."""
    return SIGNS.get(store.value(SETTING)) or usual_sign(current_app.config["COUNTRY"])


@cache
def usual_sign(country: str) -> str:
    """The decimal sign of the official language that most people of a country speak (ISO 3166); the point when unknown."""
    for language in get_official_languages(country, de_facto=True):
        try:
            sign = get_decimal_symbol(f"{language}_{country}", numbering_system="latn")
        except (UnknownLocaleError, ValueError):
            continue
        return COMMA if sign == COMMA else POINT
    return POINT
