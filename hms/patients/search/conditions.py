"""A parsed search as SQL conditions: every part of the typed line must match."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, and_, bindparam, false, func, or_, true

from hms.core.text.cleaning import escape_like, fold
from hms.patients.identity import phone_numbers
from hms.patients.models import Patient

from .query_parser import SearchQuery

MIN_PHONE_DIGITS = 7
"""Digits; fewer are a part of a phone."""


@dataclass(frozen=True)
class SearchConditions:
    """A `SearchQuery` as LIKE patterns and values.

    `parts` are words as they stand in `search_names`; what follows are patterns for LIKE. `runs` are digits that may stand
    in a phone or a hospital number, each in all the ways they may be written there. `also` is one more such run, an
    alternative to the number and the birth dates. `wholes` and `phones` are for whole words and whole phones.
    """

    parts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    runs: tuple[tuple[str, ...], ...] = ()
    also: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    births: tuple[tuple[date, date], ...] = ()
    """First and last day."""
    wholes: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    looks_into_phones: bool = True
    finds_nobody: bool = False

    @classmethod
    def of(cls, query: SearchQuery) -> SearchConditions:
        births = [(query.birth_date, query.birth_date)] if query.birth_date else []
        if query.birth_year is not None:
            births.append((date(query.birth_year, 1, 1), date(query.birth_year, 12, 31)))
        parts, typed = [_normalize_word(word) for word in query.words], (*query.digit_runs, query.also_digits or "")
        return cls(
            parts=tuple(parts),
            words=tuple(f"% {escape_like(part)}%" for part in parts),
            runs=tuple(_patterns(run) for run in query.digit_runs),
            also=_patterns(query.also_digits) if query.also_digits else (),
            numbers=() if query.hospital_number is None else (query.hospital_number,),
            births=tuple(births),
            wholes=tuple(f"% {escape_like(part)} %" for part in parts),
            phones=tuple(
                f"%{digits} %"
                for run in typed
                for digits in _stored_forms(run)
                if len(digits) >= MIN_PHONE_DIGITS and query.looks_into_phones
            ),
            looks_into_phones=query.looks_into_phones,
            finds_nobody=query.finds_nobody,
        )

    def shape(self) -> SearchShape:
        """How many of each part there are; searches of one shape are one statement."""
        counts = (len(self.words), len(self.also), len(self.numbers), len(self.births))
        return SearchShape(tuple(map(len, self.runs)), *counts, self.looks_into_phones, self.finds_nobody)

    def values(self) -> dict[str, Any]:
        """The values of `SearchShape.conditions`, by their names in the statement."""
        named: dict[str, Any] = {f"word_{i}": word for i, word in enumerate(self.words)}
        named |= {f"run_{i}_{j}": way for i, ways in enumerate(self.runs) for j, way in enumerate(ways)}
        named |= {f"also_{i}": way for i, way in enumerate(self.also)}
        named |= {f"number_{i}": number for i, number in enumerate(self.numbers)}
        for i, (first, last) in enumerate(self.births):
            named |= {f"born_from_{i}": first, f"born_until_{i}": last}
        return named

    def fits(self) -> ColumnElement[bool]:
        """The condition that every part matches; true for an empty line, false for one that finds nobody."""
        if self.finds_nobody:
            return false()
        named = (Patient.search_names.like(word, escape="\\") for word in self.words)
        return and_(true(), *named, *self.digits())

    def digits(self) -> list[ColumnElement[bool]]:
        """What the digits ask for: readings of the same digits are alternatives, separate runs must all match."""
        readings = [Patient.number == number for number in self.numbers]
        readings += [Patient.birth_date.between(first, last) for first, last in self.births]
        runs = [self._stand_somewhere(patterns) for patterns in self.runs]
        return [or_(*readings, self._stand_somewhere(self.also)), *runs] if self.also else [*readings, *runs]

    def _stand_somewhere(self, patterns: tuple[str, ...]) -> ColumnElement[bool]:
        """In the phone or the hospital number; where phones are not looked into, in the number, which stands after the blank."""
        conditions = [Patient.search_digits.like(pattern) for pattern in patterns]
        if not self.looks_into_phones:
            number = func.split_part(Patient.search_digits, " ", 2)
            conditions = [
                and_(condition, number.like(pattern)) for condition, pattern in zip(conditions, patterns, strict=True)
            ]
        return or_(*conditions)


@dataclass(frozen=True)
class SearchShape:
    """How many parts of each kind a search has. A statement is built once for each shape (`functools.cache`); their number
    is bounded, as a search has at most `MAX_TERMS` words and as many runs of digits."""

    runs: tuple[int, ...]
    words: int
    also: int
    numbers: int
    births: int
    looks_into_phones: bool
    finds_nobody: bool

    def conditions(self) -> SearchConditions:
        """Conditions with a bound parameter for each value; `SearchConditions.values` gives the values."""
        return SearchConditions(
            words=_bind("word", self.words),
            runs=tuple(_bind(f"run_{i}", ways) for i, ways in enumerate(self.runs)),
            also=_bind("also", self.also),
            numbers=_bind("number", self.numbers),
            births=tuple(
                zip(_bind("born_from", self.births, Date), _bind("born_until", self.births, Date), strict=True)
            ),
            looks_into_phones=self.looks_into_phones,
            finds_nobody=self.finds_nobody,
        )


def _bind(name: str, count: int, of_type: Any = None) -> tuple[Any, ...]:
    return tuple(bindparam(f"{name}_{i}", type_=of_type) for i in range(count))


def _normalize_word(word: str) -> str:
    """A word as it stands in `search_names`: without apostrophes, hyphens as blanks."""
    return fold(word.replace("'", "").replace("’", "").replace("-", " "))


def _stored_forms(run: str) -> tuple[str, ...]:
    """The run as it stands in numbers, and without the 0 or 00 that is dialled but not kept in phones."""
    kept = phone_numbers.strip_dial_prefix(run)
    return (run,) if kept == run or run.startswith("000") or len(kept) < 2 else (run, kept)


def _patterns(run: str) -> tuple[str, ...]:
    return tuple(f"%{digits}%" for digits in _stored_forms(run))
