"""Parse a search line such as `kad 76`: names, digits, a birth date or a hospital number."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import fold, plain_signs, without_invisible
from hms.patients.identity import birth_dates, hospital_numbers

from . import typed_facts
from .typed_facts import Days

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
    """A parsed search line. Patients whom every part fits come first.

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
    short_number: int | None = None
    """The running number behind the prefix, without zeros or check digit ("hms 12")."""
    born: Days | None = None
    """The days of birth that an age, or a month and year, leave."""
    sexes: tuple[tuple[str, str], ...] = ()
    """Words that name a sex, as typed and as code; the word may also be the beginning of a name."""
    titles: tuple[str, ...] = ()
    """Titles and labels; whom they do not fit is found as well."""
    looks_into_births: bool = True
    """Whether one to three digits may be an age."""
    looks_into_phones: bool = True
    """Whether digits match phones too, or only hospital numbers."""
    looks_into_identifiers: bool = True
    """Whether digits match national IDs and phones of the next of kin too."""
    finds_nobody: bool = False
    """The text has nothing to search for, such as `%`."""

    def without_births(self) -> SearchQuery:
        """The query for a reader who may not see birth dates: digits of a date become digits of a number."""
        known = replace(self, born=None, looks_into_births=False)
        if self.birth_date is None and self.birth_year is None:
            return known
        digits = self.alternative_digits or (f"{self.birth_date:%Y%m%d}" if self.birth_date else "")
        rest = replace(known, birth_date=None, birth_year=None)
        if self.hospital_number is not None:
            return rest
        return replace(
            rest, alternative_digits=None, digit_runs=(*self.digit_runs, digits) if digits else self.digit_runs
        )

    def without_phones(self) -> SearchQuery:
        """The query for a reader who may not see phones."""
        return replace(self, looks_into_phones=False, looks_into_identifiers=False)

    def without_identifiers(self) -> SearchQuery:
        """The query for a reader who may not see national IDs and the next of kin."""
        return replace(self, looks_into_identifiers=False)

    def without_sexes(self) -> SearchQuery:
        """The query for a reader who may not see the sex: the words are names only."""
        return replace(self, sexes=(), words=(*self.words, *(word for word, _sex in self.sexes)))

    @property
    def is_empty(self) -> bool:
        """True when there is too little to search for."""
        numbers = (self.hospital_number, self.short_number)
        return not (self.words or self.digit_runs or self.birth_date or self.birth_year or self.born or any(numbers))


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
    rest, parsed = _take_birth(rest, replace(parsed, other_number=other_number), today)
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
    rest = f"{typed[: named.start()]} {typed[named.end() :]}"
    if number := int(named[1]):
        return rest, SearchQuery(short_number=number)
    return f"{rest} {named[1]}", SearchQuery()


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


def _take_birth(typed: str, parsed: SearchQuery, today: date) -> tuple[str, SearchQuery]:
    """The line without what it says of the birth: a date, else an age, a month and year, or a date that does not exist."""
    rest, parsed = _take_date(typed, parsed, today)
    rest, of_age = typed_facts.take_age(rest, today)
    if parsed.birth_date is None:
        rest, swapped, year = typed_facts.take_wrong_date(rest, today)
        rest, of_month = (rest, None) if swapped or year else typed_facts.take_month(rest, today)
        parsed = replace(parsed, birth_date=swapped, birth_year=year, born=of_month or of_age)
    return typed_facts.without_guess(rest), parsed


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
    sexes: list[tuple[str, str]] = []
    titles: list[str] = []
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
        elif sex := typed_facts.sex_of(token):
            sexes.append((token.strip(_PUNCTUATION), sex))
        elif typed_facts.is_title(token):
            titles.append(token.strip(_PUNCTUATION))
        else:
            words += [token.strip(_PUNCTUATION)] if any(c.isalnum() for c in fold(token)) else []
        was_run = is_run
    parsed = replace(parsed, digit_runs=_long_enough(runs, parsed, is_beside=bool(words or sexes)))
    if not words and parsed.is_empty:  # they are all that was typed, so they are meant as names
        words, sexes, titles = [word for word, _sex in sexes] + titles, [], []
    return replace(parsed, words=tuple(words[:MAX_TERMS]), sexes=tuple(sexes[:2]), titles=tuple(titles[:2]))


def _long_enough(runs: list[str], parsed: SearchQuery, *, is_beside: bool) -> tuple[str, ...]:
    """The runs that say something: any beside a name, which may be an age; four digits alone."""
    is_dated = parsed.birth_date or parsed.birth_year or parsed.born
    shortest = 1 if is_beside else 2 if is_dated else 4
    return tuple(run for run in runs[:MAX_TERMS] if len(run) >= shortest)


def _is_year(token: str, parsed: SearchQuery, today: date) -> bool:
    is_free = parsed.birth_date is None and parsed.birth_year is None and parsed.born is None
    is_free = is_free and parsed.hospital_number is None
    return is_free and bool(_YEAR.fullmatch(token)) and birth_dates.EARLIEST.year <= int(token) <= today.year
