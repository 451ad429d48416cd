"""Parse a search line such as `kad 76`: names, digits, a birth date or a hospital number."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import fold, is_only_punctuation
from hms.patients.identity import birth_dates, hospital_numbers

MAX_QUERY_LENGTH = 100
MAX_TERMS = 8
_DATES = (
    re.compile(r"(?<!\S)[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?!\S)"),
    re.compile(r"(?<!\S)[0-9]{1,2}([./-])[0-9]{1,2}\1(?:[0-9]{4}|[0-9]{2})(?!\S)"),
    re.compile(r"(?<!\S)[0-9]{1,2}[ ./-]?[^\W\d_]{3,9}\.?[ ./-]?(?:[0-9]{4}|[0-9]{2})(?!\S)"),
    re.compile(r"(?<!\S)[0-9]{1,2} [0-9]{1,2} (?:[0-9]{4}|[0-9]{2})(?!\S)"),
    re.compile(r"(?<!\S)(?:[0-9]{6}|[0-9]{8})(?!\S)"),
)
_BARE_NUMBER = re.compile(r"[0-9 ]{7,14}|[0-9]{6,12}-[0-9]")
_YEAR = re.compile(r"(?:1[89]|20)[0-9]{2}")
_PHONE_MARKS = re.compile(r"(?<=[0-9])[-./()]+(?=[0-9])|(?<!\S)[+(]+(?=[0-9])|(?<=[0-9])\)")


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A parsed search line; every part must match.

    `words` are folded beginnings of names. `digit_runs` match anywhere in a phone or hospital number; compare
    `phone_numbers.strip_dial_prefix(run)` with phones. `hospital_number` is the running number. `alternative_digits` is
    set when bare digits can be read in more than one way: then one of birth date, birth year, hospital number and that
    run (in a phone or hospital number) must match. `is_mistyped_number`: a hospital number with a wrong check digit.
    """

    words: tuple[str, ...] = ()
    digit_runs: tuple[str, ...] = ()
    birth_date: date | None = None
    birth_year: int | None = None
    hospital_number: int | None = None
    alternative_digits: str | None = None
    is_mistyped_number: bool = False
    looks_into_phones: bool = True
    """Whether digits match phones too, or only hospital numbers."""
    finds_nobody: bool = False
    """The text has nothing to search for, such as `%`."""

    def without_births(self) -> SearchQuery:
        """The query for a reader who may not see birth dates: digits of a date become digits of a number."""
        if self.birth_date is None and self.birth_year is None:
            return self
        digits = self.alternative_digits or (f"{self.birth_date:%Y%m%d}" if self.birth_date else "")
        rest = replace(self, birth_date=None, birth_year=None)
        if self.hospital_number is not None:
            return rest
        return replace(rest, alternative_digits=None, digit_runs=(*self.digit_runs, digits))

    def without_phones(self) -> SearchQuery:
        """The query for a reader who may not see phones."""
        return replace(self, looks_into_phones=False)

    @property
    def is_empty(self) -> bool:
        """True when there is too little to search for."""
        return not (self.words or self.digit_runs or self.birth_date or self.birth_year or self.hospital_number)


def parse_query(query: str, today: date, prefix: str = hospital_numbers.PREFIX) -> SearchQuery:
    """The parts of `query`; never raises, whatever was typed. Dates are read day first and in the past."""
    plain = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFKC", query[:MAX_QUERY_LENGTH]))
    typed = " ".join(plain.split())
    rest, parsed = _take_number(typed, prefix)
    rest, parsed = _take_date(rest, parsed, today)
    if not (parsed.hospital_number and parsed.alternative_digits):
        parsed = _take_words(rest, parsed, today)
    return replace(parsed, finds_nobody=bool(typed) and parsed.is_empty)


def _take_number(typed: str, prefix: str) -> tuple[str, SearchQuery]:
    if _BARE_NUMBER.fullmatch(typed) and (n := hospital_numbers.parse_hospital_number(typed, prefix)) is not None:
        return typed, SearchQuery(hospital_number=n, alternative_digits=re.sub("[ -]", "", typed))
    marked = re.compile(rf"(?<!\S){re.escape(prefix)}[ -]?([0-9]{{6,12}})[ -]?([0-9]?)(?!\S)", re.IGNORECASE)
    if not (parsed := marked.search(typed)):
        return typed, SearchQuery()
    rest = f"{typed[: parsed.start()]} {typed[parsed.end() :]}"
    if (n := hospital_numbers.parse_hospital_number(parsed[0], prefix)) is not None:
        return rest, SearchQuery(hospital_number=n)
    return f"{rest} {parsed[1]}", SearchQuery(
        is_mistyped_number=len(parsed[1] + parsed[2]) > hospital_numbers.MIN_DIGITS
    )


def _take_date(typed: str, parsed: SearchQuery, today: date) -> tuple[str, SearchQuery]:
    for form in _DATES:
        for match in form.finditer(typed):
            if day := _birth_day(match[0], today):
                bare = re.sub(" ", "", match[0])
                rest = f"{typed[: match.start()]} {typed[match.end() :]}"
                return rest, replace(parsed, birth_date=day, alternative_digits=bare if bare.isdecimal() else None)
    return typed, parsed


def _birth_day(text: str, today: date) -> date | None:
    try:
        return birth_dates.parse_birth_date(text, today).day
    except RuleBroken:
        return None


def _take_words(typed: str, parsed: SearchQuery, today: date) -> SearchQuery:
    words: list[str] = []
    runs: list[str] = []
    was_run = False
    for token in _PHONE_MARKS.sub("", typed).split()[: MAX_TERMS * 2]:
        is_run = token.isascii() and token.isdecimal()
        if is_run and _is_year(token, parsed, today):
            parsed, is_run = replace(parsed, birth_year=int(token), alternative_digits=token), False
        elif is_run and was_run:
            runs[-1] += token
        elif is_run:
            runs.append(token)
        else:
            words += [] if is_only_punctuation(token) else [fold(token).strip(".,;:-()*%")]
        was_run = is_run
    shortest = 2 if words or parsed.birth_date or parsed.birth_year else 4
    long_enough = tuple(run for run in runs[:MAX_TERMS] if len(run) >= shortest)
    return replace(parsed, words=tuple(words[:MAX_TERMS]), digit_runs=long_enough)


def _is_year(token: str, parsed: SearchQuery, today: date) -> bool:
    is_free = parsed.birth_date is None and parsed.birth_year is None and parsed.hospital_number is None
    return is_free and bool(_YEAR.fullmatch(token)) and birth_dates.EARLIEST.year <= int(token) <= today.year
