"""A parsed search as SQL conditions: every part of the typed line fits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Text,
    and_,
    bindparam,
    cast,
    collate,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from hms.core import clock
from hms.core.db.folding import folded_name
from hms.core.text import phone_numbers
from hms.core.text.cleaning import escape_like
from hms.patients.models import NameWord, Patient

from .query_parser import SearchQuery
from .typed_facts import born_at_age

MIN_PHONE_DIGITS = 7
"""Fewer digits are a part of a phone number."""
MIN_KIN_DIGITS = 6
"""Fewer digits are not looked for among the phones of the next of kin."""
MIN_IDENTIFIER = 5
LONGEST_LETTERS = 4
"""Longer words do not stand before the digits of a national ID."""
TELLING_DIGITS = 5
OLDEST_AGE = 110
LAST_LETTER = "\U0010ffff"
"""Sorts after every letter: the words from "kad" to "kad" with this letter are those that begin with "kad"."""

name_words: ColumnElement[Any] = func.string_to_array(
    func.left(Patient.search_names, literal_column("500")), literal_column("' '"), type_=ARRAY(Text)
)
"""The words of a patient's names, as the index `ix_patient_words` has them."""
identifiers = func.regexp_replace(
    func.upper(Patient.national_id.concat(literal_column("','")).concat(Patient.other_numbers)),
    literal_column("'[^A-Z0-9,]'"),
    literal_column("''"),
    literal_column("'g'"),
    type_=Text,
)
"""The national ID and the other numbers of a patient, with commas between them."""
_kin_line = func.regexp_replace(
    Patient.next_of_kin, literal_column("'[^0-9]'"), literal_column("''"), literal_column("'g'"), type_=Text
)
kin_digits = _kin_line.concat(literal_column("' '")).concat(Patient.contact_numbers)
"""The digits of the line about the next of kin, and of the phones of relatives and others, with blanks between them."""
has_kin = Patient.next_of_kin.concat(Patient.contact_numbers) != literal_column("''")


def identifier(text: str) -> str:
    """A typed national ID as the index has it: its capital letters and digits."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def in_identifiers(plain: str) -> str:
    """The pattern of numbers with this one."""
    return f"%{plain}%"


def ends_identifier(plain: str, known: str) -> bool:
    """Whether one of the `known` numbers (as in `identifiers`) is this one, or ends with it."""
    return bool(plain) and f"{plain}," in f"{known},"


def joined_identifiers(query: SearchQuery, run: str) -> tuple[str, ...]:
    """A run of digits as a national ID: alone, and behind each short word ("SL 12345678")."""
    return (run, *(identifier(word) + run for word in query.words[:2] if 0 < len(word) <= LONGEST_LETTERS))


def has_number(columns: Any, number: Any) -> ColumnElement[bool]:
    """The condition that a patient has this running number, or holds the record that had it before a merge."""
    return or_(columns.number == number, columns.id == func.hms_kept_patient(cast(number, BigInteger)))


@dataclass(frozen=True)
class RunShape:
    """What a run of digits may be: the stored forms it has, and whether it may also be an age, a hospital number without check
    digit, a national ID or the phone of the next of kin."""

    forms: int = 0
    is_age: bool = False
    is_number: bool = False
    identifiers: int = 0
    """In how many ways it may be a national ID or another number."""
    is_kin: bool = False
    is_telling: bool = False
    """Whether it is so long that it fits few by chance."""


@dataclass(frozen=True)
class SearchShape:
    """The kinds of the parts of a search. A statement is built once for each shape; the number of shapes is bounded, because
    a search has at most `MAX_TERMS` words and runs of digits."""

    words: tuple[bool, ...] = ()
    """For each word whether it may also be a national ID."""
    initials: int = 0
    """Single letters beside words. Too many names begin with each to read them all from the index."""
    runs: tuple[RunShape, ...] = ()
    alternative: RunShape | None = None
    """A run of digits that may fit instead of the hospital number and the birth."""
    has_number: bool = False
    births: int = 0
    """How many ways there are to read the birth; one of them fits."""
    is_born: bool = False
    sexes: int = 0
    looks_into_phones: bool = True
    finds_nobody: bool = False

    def condition(self) -> ColumnElement[bool]:
        """The condition that every part fits; false for a search that finds nobody."""
        if self.finds_nobody:
            return false()
        return and_(true(), *self._words(), *self._sexes(), *self.digit_conditions())

    def digit_conditions(self) -> list[ColumnElement[bool]]:
        """Conditions for digits and dates: readings of the same digits are alternatives, separate runs must all fit."""
        readings = [has_number(Patient, bindparam("number"))] if self.has_number else []
        readings += [_between(f"birth_{i}") for i in range(self.births)]
        runs = [self._run(f"run_{i}", run) for i, run in enumerate(self.runs)]
        runs += [_between("born")] if self.is_born else []
        if self.alternative is None:
            return [*readings, *runs]
        return [or_(*readings, self._run("alternative", self.alternative)), *runs]

    def telling_conditions(self) -> Iterator[ColumnElement[bool]]:
        """The conditions for digits, each by itself, that fit few by chance."""
        if self.has_number:
            yield has_number(Patient, bindparam("number"))
        yield from (self._run(f"run_{i}", run) for i, run in enumerate(self.runs) if run.is_telling)
        if self.alternative is not None and self.alternative.is_telling:
            yield self._run("alternative", self.alternative)

    def _words(self) -> list[ColumnElement[bool]]:
        initials = [
            Patient.search_names.like(folded_name(bindparam(f"initial_{i}", type_=Text)), escape="\\")
            for i in range(self.initials)
        ]
        return initials + [
            or_(begins(f"word_{i}"), has_identifier(f"word_{i}_id")) if may_be_id else begins(f"word_{i}")
            for i, may_be_id in enumerate(self.words)
        ]

    def _sexes(self) -> list[ColumnElement[bool]]:
        return [
            or_(Patient.sex.not_in(("female", "male")), Patient.sex == bindparam(f"sex_{i}"), begins(f"sex_word_{i}"))
            for i in range(self.sexes)
        ]

    def _run(self, name: str, shape: RunShape) -> ColumnElement[bool]:
        """The run is in the phone or the hospital number, or only in the number when phones are hidden; or it is something
        else that it may be. `search_digits` is the phone, a blank and the hospital number."""
        places = Patient.search_digits
        conditions = [places.like(bindparam(f"{name}_{j}")) for j in range(shape.forms)]
        if not self.looks_into_phones:
            own = func.split_part(Patient.search_digits, " ", 2)
            conditions = [and_(way, own.like(bindparam(f"{name}_{j}"))) for j, way in enumerate(conditions)]
        if shape.is_age:
            conditions.append(_between(f"{name}_born"))
        if shape.is_number:
            conditions.append(has_number(Patient, bindparam(f"{name}_number")))
        conditions += [has_identifier(f"{name}_id_{j}") for j in range(shape.identifiers)]
        if shape.is_kin:
            conditions += [and_(has_kin, kin_digits.like(bindparam(f"{name}_{j}"))) for j in range(shape.forms)]
        return or_(false(), *conditions)


def begins(name: str) -> ColumnElement[bool]:
    """A word of the names begins with the value of the bound parameter `name`."""
    first = folded_name(bindparam(name, type_=Text))
    known = select(collate(NameWord.word, "default")).where(
        NameWord.word >= first, NameWord.word < first.concat(LAST_LETTER)
    )
    return name_words.overlap(func.array(known.scalar_subquery(), type_=ARRAY(Text)))


def _between(name: str) -> ColumnElement[bool]:
    return Patient.birth_date.between(bindparam(f"{name}_from", type_=Date), bindparam(f"{name}_until", type_=Date))


def has_identifier(name: str) -> ColumnElement[bool]:
    """The value of the bound parameter `name` (`in_identifiers`) is in the national ID or another number."""
    has_any = Patient.national_id.concat(Patient.other_numbers) != literal_column("''")
    return and_(has_any, identifiers.like(bindparam(name)))


@dataclass(frozen=True)
class SearchConditions:
    """The shape of a search, and the values of its statement's bound parameters.

    `parts` are the words of names, folded in the database; `phones` are patterns of whole phones in `search_digits`.
    """

    shape: SearchShape = SearchShape()
    values: dict[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()

    @classmethod
    def of(cls, query: SearchQuery) -> SearchConditions:
        """The conditions of a parsed line."""
        if query.finds_nobody:
            return cls(SearchShape(finds_nobody=True))
        builder = _Builder(query, {})
        words = [word for word in query.words if len(word) > 1] or query.words[:1]
        shape = SearchShape(
            words=tuple(builder.word(i, word) for i, word in enumerate(words)),
            initials=builder.initials(words),
            runs=tuple(builder.run(f"run_{i}", run) for i, run in enumerate(query.digit_runs)),
            alternative=builder.run("alternative", query.alternative_digits) if query.alternative_digits else None,
            has_number=builder.number(),
            births=builder.births(),
            is_born=builder.between("born", *query.born) if query.born else False,
            sexes=builder.sexes(),
            looks_into_phones=query.looks_into_phones,
        )
        typed = (*query.digit_runs, query.alternative_digits or "") if query.looks_into_phones else ()
        phones = [f"%{form} %" for run in typed for form in stored_forms(run) if len(form) >= MIN_PHONE_DIGITS]
        return cls(shape, builder.values, query.words, tuple(phones))


@dataclass
class _Builder:
    """Collects the values of a statement while its shape is made."""

    query: SearchQuery
    values: dict[str, Any]

    def word(self, nth: int, word: str) -> bool:
        self.values[f"word_{nth}"] = word
        plain = identifier(word)
        if len(plain) < MIN_IDENTIFIER or not self.query.looks_into_identifiers or plain.isalpha():
            return False
        self.values[f"word_{nth}_id"] = in_identifiers(plain)
        return True

    def initials(self, words: Sequence[str]) -> int:
        others = [word for word in self.query.words if word not in words]
        self.values |= {f"initial_{i}": f"% {escape_like(letter)}%" for i, letter in enumerate(others)}
        return len(others)

    def number(self) -> bool:
        number = self.query.hospital_number if self.query.hospital_number is not None else self.query.short_number
        if number is not None:
            self.values["number"] = number
        return number is not None

    def births(self) -> int:
        query, ways = self.query, 0
        if query.birth_date:
            ways += self.between("birth_0", query.birth_date, query.birth_date)
        if query.birth_year is not None:
            ways += self.between(f"birth_{ways}", date(query.birth_year, 1, 1), date(query.birth_year, 12, 31))
        return ways

    def sexes(self) -> int:
        for i, (word, sex) in enumerate(self.query.sexes):
            self.values |= {f"sex_{i}": sex, f"sex_word_{i}": word}
        return len(self.query.sexes)

    def run(self, name: str, run: str) -> RunShape:
        query, forms = self.query, stored_forms(run)
        days = born_at_age(int(run), "years", clock.today()) if len(run) < 4 and int(run) <= OLDEST_AGE else None
        is_age = days is not None and query.looks_into_births and query.born is None and query.birth_date is None
        if is_age and days is not None:
            self.between(f"{name}_born", *days)
        is_number = len(run) > 3 and len(run) <= 9
        if is_number:
            self.values[f"{name}_number"] = int(run)
        looks = query.looks_into_identifiers and query.looks_into_phones
        ids = joined_identifiers(query, run) if looks and len(run) >= MIN_IDENTIFIER else ()
        self.values |= {f"{name}_id_{j}": in_identifiers(plain) for j, plain in enumerate(ids)}
        is_kin = looks and len(run) >= MIN_KIN_DIGITS
        forms = forms if len(run) > 1 else ()
        self.values |= {f"{name}_{j}": f"%{escape_like(form)}%" for j, form in enumerate(forms)}
        return RunShape(len(forms), is_age, is_number, len(ids), is_kin, len(run) >= TELLING_DIGITS)

    def between(self, name: str, first: date, last: date) -> bool:
        self.values |= {f"{name}_from": first, f"{name}_until": last}
        return True


def stored_forms(run: str) -> tuple[str, ...]:
    """The run as typed, and without the dialled prefix 0 or 00, which stored phones do not have."""
    stripped = phone_numbers.strip_dial_prefix(run)
    return (run,) if stripped == run or run.startswith("000") or len(stripped) < 2 else (run, stripped)
