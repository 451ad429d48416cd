"""Who is looked for, as conditions on patients: every part of the typed line must match somewhere."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Date, Text, and_, bindparam, func, or_, true

from hms.core.text import fold, like

from . import rules
from .models import Patient
from .search import SearchTerms

FULL_PHONE = 7
"""Digits; fewer are a part of a phone."""
_KINDS = {str: Text(), int: BigInteger(), date: Date()}


@dataclass(frozen=True)
class Sought:
    """A line taken apart. `Varying`: how many parts there are of each sort decides the form.

    `parts` are words as they stand in `search_names`; what follows are patterns for LIKE. `runs` are digits that may stand
    in a phone or a hospital number, each in all the ways they may be written there. `also` is one more such run, an
    alternative to the number and the birth dates. `wholes` and `phones` are for whole words and whole phones.
    """

    parts: tuple[Any, ...] = ()

    words: tuple[Any, ...] = ()
    runs: tuple[tuple[Any, ...], ...] = ()
    also: tuple[Any, ...] = ()
    numbers: tuple[Any, ...] = ()
    births: tuple[tuple[Any, ...], ...] = ()
    """First and last day."""
    wholes: tuple[Any, ...] = ()
    phones: tuple[Any, ...] = ()
    looks_into_phones: bool = True

    @classmethod
    def of(cls, asked: SearchTerms) -> Sought:
        births = [(asked.birth_date, asked.birth_date)] if asked.birth_date else []
        if asked.birth_year is not None:
            births.append((date(asked.birth_year, 1, 1), date(asked.birth_year, 12, 31)))
        parts, typed = [_part(word) for word in asked.words], (*asked.digit_runs, asked.also_digits or "")
        return cls(
            parts=tuple(parts),
            words=tuple(f"% {like(one)}%" for one in parts),
            runs=tuple(_patterns(run) for run in asked.digit_runs),
            also=_patterns(asked.also_digits) if asked.also_digits else (),
            numbers=() if asked.hospital_number is None else (asked.hospital_number,),
            births=tuple(births),
            wholes=tuple(f"% {like(one)} %" for one in parts),
            phones=tuple(
                f"%{way} %"
                for run in typed
                for way in _written(run)
                if len(way) >= FULL_PHONE and asked.looks_into_phones
            ),
            looks_into_phones=asked.looks_into_phones,
        )

    def form(self) -> Hashable:
        counts = (len(self.words), len(self.also), len(self.numbers), len(self.births), len(self.phones))
        return counts, tuple(map(len, self.runs)), self.looks_into_phones

    def values(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self._each(lambda name, value: found.update({name: value}))
        return found

    def in_places(self) -> Sought:
        return self._each(lambda name, value: bindparam(name, type_=_KINDS[type(value)]))

    def _each(self, change: Callable[[str, Any], Any]) -> Sought:
        """The same with `change(name, value)` for each value."""

        def all_of(sort: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(change(f"{sort}_{n}", value) for n, value in enumerate(values))

        return Sought(
            parts=all_of("part", self.parts),
            words=all_of("word", self.words),
            runs=tuple(all_of(f"run_{n}", ways) for n, ways in enumerate(self.runs)),
            also=all_of("also", self.also),
            numbers=all_of("number", self.numbers),
            births=tuple(all_of(f"born_{n}", days) for n, days in enumerate(self.births)),
            wholes=all_of("whole", self.wholes),
            phones=all_of("phone", self.phones),
            looks_into_phones=self.looks_into_phones,
        )

    def fits(self) -> ColumnElement[bool]:
        """The condition that every part matches; true for an empty line."""
        named = (Patient.search_names.like(word, escape="\\") for word in self.words)
        return and_(true(), *named, *self.digits())

    def digits(self) -> list[ColumnElement[bool]]:
        """What the digits ask for: readings of the same digits are alternatives, separate runs must all match."""
        readings = [Patient.number == number for number in self.numbers]
        readings += [Patient.birth_date.between(first, last) for first, last in self.births]
        runs = [self._stand_somewhere(ways) for ways in self.runs]
        return [or_(*readings, self._stand_somewhere(self.also)), *runs] if self.also else [*readings, *runs]

    def _stand_somewhere(self, ways: tuple[Any, ...]) -> ColumnElement[bool]:
        """In the phone or the hospital number; where phones are not looked into, in the number, which stands after the blank."""
        found = [Patient.search_digits.like(way) for way in ways]
        if not self.looks_into_phones:
            number = func.split_part(Patient.search_digits, " ", 2)
            found = [and_(one, number.like(way)) for one, way in zip(found, ways, strict=True)]
        return or_(*found)


def _part(word: str) -> str:
    """A word as it stands in `search_names`: without apostrophes, hyphens as blanks."""
    return fold(word.replace("'", "").replace("’", "").replace("-", " "))


def _written(run: str) -> tuple[str, ...]:
    """The run as it stands in numbers, and without the 0 or 00 that is dialled but not kept in phones."""
    kept = rules.fragment(run)
    return (run,) if kept == run or run.startswith("000") or len(kept) < 2 else (run, kept)


def _patterns(run: str) -> tuple[str, ...]:
    return tuple(f"%{way}%" for way in _written(run))
