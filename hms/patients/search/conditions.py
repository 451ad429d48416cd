"""A parsed search as SQL conditions: every part of the typed line must match."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Date, and_, bindparam, cast, false, func, or_, true

from hms.core.db.folding import folded_name
from hms.core.text.cleaning import escape_like
from hms.patients.identity import phone_numbers
from hms.patients.models import Patient

from .query_parser import SearchQuery

MIN_PHONE_DIGITS = 7
"""Fewer digits are a part of a phone number."""


@dataclass(frozen=True)
class SearchConditions:
    """A `SearchQuery` as LIKE patterns and values.

    `parts` are words as typed; `words` their LIKE patterns for beginnings, `whole_words` for whole words. The database
    folds them as it folds `search_names`.
    `runs` are patterns of digits in a phone or a hospital number, each in all its stored forms; `alternative_run` is one
    more, which may match instead of the hospital number and the birth dates. `phones` are patterns of whole phones.
    """

    parts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    runs: tuple[tuple[str, ...], ...] = ()
    alternative_run: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    births: tuple[tuple[date, date], ...] = ()
    """First and last day of each possible time of birth."""
    whole_words: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    looks_into_phones: bool = True
    finds_nobody: bool = False

    @classmethod
    def of(cls, query: SearchQuery) -> SearchConditions:
        births = [(query.birth_date, query.birth_date)] if query.birth_date else []
        if query.birth_year is not None:
            births.append((date(query.birth_year, 1, 1), date(query.birth_year, 12, 31)))
        parts, typed = query.words, (*query.digit_runs, query.alternative_digits or "")
        return cls(
            parts=parts,
            words=tuple(f"% {escape_like(part)}%" for part in parts),
            runs=tuple(_patterns(run) for run in query.digit_runs),
            alternative_run=_patterns(query.alternative_digits) if query.alternative_digits else (),
            numbers=() if query.hospital_number is None else (query.hospital_number,),
            births=tuple(births),
            whole_words=tuple(f"% {escape_like(part)} %" for part in parts),
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
        """The number of values of each kind; searches of one shape share one statement."""
        counts = (len(self.words), len(self.alternative_run), len(self.numbers), len(self.births))
        return SearchShape(tuple(map(len, self.runs)), *counts, self.looks_into_phones, self.finds_nobody)

    def values(self) -> dict[str, Any]:
        """The values of the bound parameters of `SearchShape.conditions`."""
        named: dict[str, Any] = {f"word_{i}": word for i, word in enumerate(self.words)}
        named |= {f"run_{i}_{j}": way for i, ways in enumerate(self.runs) for j, way in enumerate(ways)}
        named |= {f"alternative_{i}": way for i, way in enumerate(self.alternative_run)}
        named |= {f"number_{i}": number for i, number in enumerate(self.numbers)}
        for i, (first, last) in enumerate(self.births):
            named |= {f"born_from_{i}": first, f"born_until_{i}": last}
        return named

    def condition(self) -> ColumnElement[bool]:
        """The condition that every part matches; true for an empty search, false for one that finds nobody."""
        if self.finds_nobody:
            return false()
        return and_(true(), *name_conditions(Patient.search_names, self.words), *self.digit_conditions())

    def digit_conditions(self) -> list[ColumnElement[bool]]:
        """Conditions for digits and dates: readings of the same digits are alternatives, separate runs must all match."""
        readings = [has_number(Patient, number) for number in self.numbers]
        readings += [Patient.birth_date.between(first, last) for first, last in self.births]
        runs = [self._contains_run(patterns) for patterns in self.runs]
        return (
            [or_(*readings, self._contains_run(self.alternative_run)), *runs]
            if self.alternative_run
            else [*readings, *runs]
        )

    def _contains_run(self, patterns: tuple[str, ...]) -> ColumnElement[bool]:
        """The run is in the phone or the hospital number, or only in the number when phones are hidden.

        `search_digits` is the phone, a blank and the hospital number.
        """
        conditions = [Patient.search_digits.like(pattern) for pattern in patterns]
        if not self.looks_into_phones:
            number = func.split_part(Patient.search_digits, " ", 2)
            conditions = [
                and_(condition, number.like(pattern)) for condition, pattern in zip(conditions, patterns, strict=True)
            ]
        return or_(*conditions)


def has_number(columns: Any, number: Any) -> ColumnElement[bool]:
    """The condition that a patient has this running number, or holds the record that had it before a merge."""
    return or_(columns.number == number, columns.id == func.hms_kept_patient(cast(number, BigInteger)))


def name_conditions(search_names: Any, patterns: tuple[Any, ...]) -> list[ColumnElement[bool]]:
    """Conditions that the names match every pattern of `SearchConditions.words` or `whole_words`."""
    return [search_names.like(folded_name(pattern), escape="\\") for pattern in patterns]


@dataclass(frozen=True)
class SearchShape:
    """The number of values of each kind in a search. A statement is built once for each shape; the number of shapes is
    bounded, because a search has at most `MAX_TERMS` words and runs of digits."""

    runs: tuple[int, ...]
    words: int
    alternative_run: int
    numbers: int
    births: int
    looks_into_phones: bool
    finds_nobody: bool

    def conditions(self) -> SearchConditions:
        """Conditions with a bound parameter for each value; `SearchConditions.values` gives the values."""
        return SearchConditions(
            words=_bind("word", self.words),
            runs=tuple(_bind(f"run_{i}", ways) for i, ways in enumerate(self.runs)),
            alternative_run=_bind("alternative", self.alternative_run),
            numbers=_bind("number", self.numbers),
            births=tuple(
                zip(_bind("born_from", self.births, Date), _bind("born_until", self.births, Date), strict=True)
            ),
            looks_into_phones=self.looks_into_phones,
            finds_nobody=self.finds_nobody,
        )


def _bind(name: str, count: int, of_type: Any = None) -> tuple[Any, ...]:
    return tuple(bindparam(f"{name}_{i}", type_=of_type) for i in range(count))


def _stored_forms(run: str) -> tuple[str, ...]:
    """The run as typed, and without the dialled prefix 0 or 00, which stored phones do not have."""
    stripped = phone_numbers.strip_dial_prefix(run)
    return (run,) if stripped == run or run.startswith("000") or len(stripped) < 2 else (run, stripped)


def _patterns(run: str) -> tuple[str, ...]:
    return tuple(f"%{digits}%" for digits in _stored_forms(run))
