"""The functions of `core/text/formatting.py` as Jinja filters, with the hospital's currency, country and clock and the
month names of the reader's language. A missing value is shown as "Not recorded"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from babel.dates import get_month_names
from flask import Flask, current_app
from flask_babel import gettext as _
from markupsafe import Markup, escape

from hms.core import clock
from hms.core.money import Money
from hms.core.text import formatting
from hms.core.text.formatting import Named
from hms.core.text.numbers import show

from .localisation import catalogue, current_language, translate
from .table_cards import label_cells


def install(app: Flask) -> None:
    """Register every filter and the globals `now` and `today`."""
    app.jinja_env.filters.update(
        day=day,
        long_day=long_day,
        stamp=stamp,
        clock_time=clock_time,
        age=age,
        duration=duration,
        person_name=person_name,
        name_on_button=name_on_button,
        spoken_name=spoken_name,
        sex_word=sex_word,
        money=money,
        quantity=quantity,
        whole_number=whole_number,
        as_typed=show,
        phone=phone,
        marked=marked,
        translate=translate,
        label_cells=label_cells,
    )
    app.jinja_env.globals.update(now=clock.now, today=clock.today)


def _months(width: str) -> tuple[str, ...]:
    language = current_language()
    if language == "en":
        return formatting.SHORT_MONTHS if width == "abbreviated" else formatting.LONG_MONTHS
    return _months_in(width, language)


def short_month_names() -> tuple[str, ...]:
    """The short names of the months, January first."""
    return _months("abbreviated")


@lru_cache
def _months_in(width: str, locale: str) -> tuple[str, ...]:
    names = get_month_names(width, locale=locale)
    return tuple(names[number].strip(".") for number in range(1, 13))


def day(when: date | None) -> str:
    return _("Not recorded") if when is None else formatting.format_date(when, _months("abbreviated"))


def long_day(when: date | None) -> str:
    return _("Not recorded") if when is None else formatting.long_day(when, _months("wide"))


def stamp(instant: datetime | None) -> str:
    return _("Not recorded") if instant is None else formatting.format_datetime(instant, _months("abbreviated"))


def clock_time(instant: datetime | None, seconds: bool = False) -> str:
    return _("Not recorded") if instant is None else formatting.clock_time(instant, seconds=seconds)


def age(born: date | None, on: date | None = None) -> str:
    """The age today, or on the day `on` (of a death, of an encounter)."""
    return _("Not recorded") if born is None else formatting.age(born, on or clock.today())


def duration(span: timedelta | datetime | None) -> str:
    """A length of time, or the time since an instant."""
    if span is None:
        return _("Not recorded")
    return formatting.duration(clock.now() - span if isinstance(span, datetime) else span)


def person_name(person: Named) -> str:
    return formatting.person_name(person.family_name, _given_name(person), getattr(person, "title", None))


def name_on_button(person: Named) -> str:
    return formatting.name_on_button(person.family_name, _given_name(person))


def _given_name(person: Named) -> str:
    """`given_name` of a record or a list row; `given_names` of a row that has the table's columns."""
    return getattr(person, "given_name", None) or getattr(person, "given_names", "")


def spoken_name(person: Named) -> str:
    return formatting.spoken_name(person.family_name, _given_name(person), getattr(person, "title", None))


def sex_word(code: str | None) -> str:
    """The word in the reader's language. A list has one in each row, so the kept catalogue is asked."""
    return catalogue().ugettext(formatting.sex_word(code))


def money(amount: Money | None, code: bool = True) -> str:
    return _("Not recorded") if amount is None else formatting.money(amount, current_app.config["CURRENCY"], code=code)


def quantity(value: object, unit: str | None = None) -> str:
    return _("Not recorded") if value is None else formatting.quantity(value, unit)


def whole_number(value: int) -> str:
    """98,000, in the signs of the page."""
    return formatting.in_page_signs(f"{value:,}")


def phone(number: str | None) -> str:
    return formatting.phone(number, current_app.config["COUNTRY"]) if number else _("Not recorded")


def marked(text: str, typed: str | None = None) -> Markup:
    """`text` with the words of `typed` highlighted by `<mark>`; case, accents and spaces between digits do not matter."""
    if not typed or not typed.strip():
        return escape(text)
    folded = "".join(_fold_letter(letter) for letter in text)
    is_marked = [False] * len(text)
    for word in typed.split():
        wanted = r"\s?".join(map(_folded, word)) if word.isdigit() else _folded(word)
        hit = re.search(wanted, folded)
        if hit:
            is_marked[hit.start() : hit.end()] = [True] * len(hit.group())
    return _with_marks(text, is_marked)


def _folded(word: str) -> str:
    return re.escape("".join(_fold_letter(letter) for letter in word))


@lru_cache(maxsize=4096)
def _fold_letter(letter: str) -> str:
    """`letter` in lower case without accents; always one character, so that positions do not move."""
    return unicodedata.normalize("NFKD", letter)[0].lower()[:1] or letter


def _with_marks(text: str, is_marked: list[bool]) -> Markup:
    parts, inside = [], False
    for letter, is_hit in zip(text, is_marked, strict=True):
        if is_hit != inside:
            parts.append("<mark>" if is_hit else "</mark>")
            inside = is_hit
        parts.append(str(escape(letter)))
    return Markup("".join(parts) + ("</mark>" if inside else ""))  # noqa: S704 - every letter was escaped above # nosec B704


def attributes(values: Mapping[str, Any]) -> Markup:
    """HTML attributes, each after a blank. A value of None or False is left out; an attribute that is True has no value."""
    written = [
        f" {escape(name)}" if value is True else f' {escape(name)}="{escape(value)}"'
        for name, value in values.items()
        if value is not None and value is not False
    ]
    return Markup("".join(written))  # noqa: S704 - names and values are escaped above # nosec B704


def drawing(svg: str) -> Markup:
    """An SVG picture that the program made, without any text of users, as markup."""
    return Markup(svg)  # noqa: S704 - contains no typed value # nosec B704
