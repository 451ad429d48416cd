"""Parse a search line such as `kad 76`: names, digits, a birth date or a hospital number."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import fold, plain_signs, without_invisible
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
_DASH = r"[\-‐‑‒–—_./]"
_MARKED = rf"(?:{_DASH}|\s)*([0-9]+)(?:\s([0-9])|{_DASH}([0-9]+))?(?=[\s,;:)\]]|$)"
"""The digits after the prefix, and the check digit when it stands alone after a blank or a dash."""
_WITHOUT_PREFIX = re.compile(r"(?<!\S)[0-9]{6,12}[\-‐‑‒–—][0-9](?!\S)")
_BILL_NUMBER = r"[BRCZbrcz]-?(?:19|20|21)[0-9]{2}-?[0-9]{6}"
_OTHER_NUMBER = re.compile(
    rf"(?<![^\s,;:(\[])(?!{_BILL_NUMBER})([^\W\d_]{{1,8}}{_DASH}?[0-9]{{6,12}}(?:{_DASH}[0-9])?)(?=[\s,;:)\]]|$)"
)
_YEAR = re.compile(r"(?:1[89]|20)[0-9]{2}")
_PUNCTUATION = ".,;:-()*%'"
_PHONE_MARKS = re.compile(r"(?<=[0-9])[-./()]+(?=[0-9])|(?<!\S)[+(]+(?=[0-9])|(?<=[0-9])\)")


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A parsed search line; every part must match.

    `words` are beginnings of names, as typed. `digit_runs` match anywhere in a phone or hospital number; compare
    `phone_numbers.strip_dial_prefix(run)` with phones. `hospital_number` is the running number. `alternative_digits` is
    set when bare digits can be read in more than one way: then one of birth date, birth year, hospital number and that
    run (in a phone or hospital number) must match. `is_mistyped_number`: the line has a hospital number with a wrong check digit;
    it finds nobody, whatever else the line has.
    """

    words: tuple[str, ...] = ()
    digit_runs: tuple[str, ...] = ()
    birth_date: date | None = None
    birth_year: int | None = None
    hospital_number: int | None = None
    alternative_digits: str | None = None
    is_mistyped_number: bool = False
    other_number: str = ""
    """A word of the line with the shape of a hospital number and another prefix; it is not searched for."""
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


MISTYPED = SearchQuery(is_mistyped_number=True, finds_nobody=True)


def parse_query(query: str, today: date, prefix: str = hospital_numbers.PREFIX) -> SearchQuery:
    """The parts of `query`; never raises, whatever was typed. Dates are read day first and in the past."""
    visible = without_invisible(plain_signs(query[:MAX_QUERY_LENGTH]))
    printable = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFKC", visible))
    typed = " ".join(printable.split())
    rest, parsed = _take_number(typed, prefix)
    if parsed.is_mistyped_number:
        return parsed
    rest, other_number = _take_other_number(rest)
    rest, parsed = _take_date(rest, replace(parsed, other_number=other_number), today)
    if not (parsed.hospital_number and parsed.alternative_digits):
        parsed = _take_words(rest, parsed, today)
    return replace(parsed, finds_nobody=bool(typed) and parsed.is_empty)


def _take_number(typed: str, prefix: str) -> tuple[str, SearchQuery]:
    if _BARE_NUMBER.fullmatch(typed) and (n := hospital_numbers.parse_hospital_number(typed, prefix)) is not None:
        return typed, SearchQuery(hospital_number=n, alternative_digits=re.sub("[ -]", "", typed))
    if (n := _whole_line_number(typed, prefix)) is not None:
        return "", SearchQuery(hospital_number=n)
    named = re.search(rf"(?<!\w){re.escape(prefix)}{_MARKED}", typed, re.IGNORECASE)
    if named is None:
        return typed, MISTYPED if _looks_like_number(typed, prefix) else SearchQuery()
    has_digit_alone = named[2] is not None
    for end in (named.end(), named.end(1)) if has_digit_alone else (named.end(),):
        if (n := hospital_numbers.parse_hospital_number(typed[named.start() : end], prefix)) is not None:
            return f"{typed[: named.start()]} {typed[end:]}", SearchQuery(hospital_number=n)
    if named[2] or named[3] or len(named[1]) > hospital_numbers.MIN_DIGITS:
        return "", MISTYPED
    return f"{typed[: named.start()]} {typed[named.end() :]} {named[1]}", SearchQuery()


def _take_other_number(typed: str) -> tuple[str, str]:
    """The line without a number of another hospital, and that number."""
    found = _OTHER_NUMBER.search(typed)
    return (f"{typed[: found.start()]} {typed[found.end() :]}", found[1]) if found else (typed, "")


def _whole_line_number(typed: str, prefix: str) -> int | None:
    """The number when the whole line is one with its prefix, however it is separated."""
    return hospital_numbers.parse_hospital_number(typed, prefix) if typed.upper().startswith(prefix.upper()) else None


def _looks_like_number(typed: str, prefix: str) -> bool:
    """Whether a word has the shape of a hospital number and is none: a wrong check digit, or a letter among the digits."""
    with_letter = re.search(rf"(?<!\w){re.escape(prefix)}{_DASH}?(?=(?:\S*[0-9]){{3}})\S+", typed, re.IGNORECASE)
    bare = _WITHOUT_PREFIX.search(typed)
    return with_letter is not None or (
        bare is not None and hospital_numbers.parse_hospital_number(bare[0], prefix) is None
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
            words += [token.strip(_PUNCTUATION)] if any(c.isalnum() for c in fold(token)) else []
        was_run = is_run
    shortest = 2 if words or parsed.birth_date or parsed.birth_year else 4
    long_enough = tuple(run for run in runs[:MAX_TERMS] if len(run) >= shortest)
    return replace(parsed, words=tuple(words[:MAX_TERMS]), digit_runs=long_enough)


def _is_year(token: str, parsed: SearchQuery, today: date) -> bool:
    is_free = parsed.birth_date is None and parsed.birth_year is None and parsed.hospital_number is None
    return is_free and bool(_YEAR.fullmatch(token)) and birth_dates.EARLIEST.year <= int(token) <= today.year
