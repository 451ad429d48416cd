"""Who is looked for, as conditions on patients: every part of the typed line must match somewhere."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, true

from hms.core.text import fold, like

from . import rules
from .models import Patient
from .search import SearchTerms


@dataclass(frozen=True)
class Sought:
    """A line taken apart, in patterns for LIKE. `Varying`: how many parts there are of each sort decides the form.

    `runs` are digits that may stand in a phone or a hospital number, each in all the ways they may be written there.
    `also` is one more such run, an alternative to the number and the birth dates.
    """

    words: tuple[Any, ...] = ()
    runs: tuple[tuple[Any, ...], ...] = ()
    also: tuple[Any, ...] = ()
    numbers: tuple[Any, ...] = ()
    births: tuple[tuple[Any, Any], ...] = ()
    """First and last day."""

    @classmethod
    def of(cls, asked: SearchTerms) -> Sought:
        births = [(asked.birth_date, asked.birth_date)] if asked.birth_date else []
        if asked.birth_year is not None:
            births.append((date(asked.birth_year, 1, 1), date(asked.birth_year, 12, 31)))
        return cls(
            words=tuple(f"% {like(part(word))}%" for word in asked.words),
            runs=tuple(_patterns(run) for run in asked.digit_runs),
            also=_patterns(asked.also_digits) if asked.also_digits else (),
            numbers=() if asked.hospital_number is None else (asked.hospital_number,),
            births=tuple(births),
        )

    def form(self) -> Hashable:
        return len(self.words), tuple(map(len, self.runs)), len(self.also), len(self.numbers), len(self.births)

    def values(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self._each(lambda name, value: found.update({name: value}))
        return found

    def in_places(self) -> Sought:
        return self._each(lambda name, _value: bindparam(name))

    def _each(self, change: Callable[[str, Any], Any]) -> Sought:
        """The same with `change(name, value)` for each value."""
        return Sought(
            tuple(change(f"word_{n}", word) for n, word in enumerate(self.words)),
            tuple(tuple(change(f"run_{n}_{m}", way) for m, way in enumerate(ways)) for n, ways in enumerate(self.runs)),
            tuple(change(f"also_{n}", way) for n, way in enumerate(self.also)),
            tuple(change(f"number_{n}", number) for n, number in enumerate(self.numbers)),
            tuple(
                (change(f"born_{n}", first), change(f"born_to_{n}", last))
                for n, (first, last) in enumerate(self.births)
            ),
        )

    def fits(self) -> ColumnElement[bool]:
        """The condition that every part matches; true for an empty line."""
        named = (Patient.search_names.like(word, escape="\\") for word in self.words)
        return and_(true(), *named, *self.digits())

    def digits(self) -> list[ColumnElement[bool]]:
        """What the digits ask for: readings of the same digits are alternatives, separate runs must all match."""
        readings = [Patient.number == number for number in self.numbers]
        readings += [Patient.birth_date.between(first, last) for first, last in self.births]
        runs = [_stand_somewhere(ways) for ways in self.runs]
        return [or_(*readings, _stand_somewhere(self.also)), *runs] if self.also else [*readings, *runs]


def part(word: str) -> str:
    """A word as it stands in `search_names`: without apostrophes, hyphens as blanks."""
    return fold(word.replace("'", "").replace("’", "").replace("-", " "))


def written(run: str) -> tuple[str, ...]:
    """The run as it stands in numbers, and without the 0 or 00 that is dialled but not kept in phones."""
    kept = rules.fragment(run)
    return (run,) if kept == run or run.startswith("000") or len(kept) < 2 else (run, kept)


def _patterns(run: str) -> tuple[str, ...]:
    return tuple(f"%{way}%" for way in written(run))


def _stand_somewhere(ways: tuple[Any, ...]) -> ColumnElement[bool]:
    return or_(*(Patient.search_digits.like(way) for way in ways))
