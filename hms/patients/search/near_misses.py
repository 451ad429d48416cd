"""Patients whom a typed line nearly fits: misspelt words, a wrong digit of a date, parts that do not fit.

The words that resemble a typed word are looked up among the distinct words of all names (`NameWord`), then patients by these
words. Each way of being nearly right is one small SELECT with its own limit, so that the cost does not grow with the number of
patients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    column,
    func,
    or_,
    select,
    true,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY

from hms.core import clock
from hms.core.db.session import db
from hms.patients.models import NameWord, Patient

from .conditions import LAST_LETTER, OLDEST_AGE, SearchConditions, SearchShape, name_words
from .match_scoring import likely_typos, word_similarity
from .query_parser import SearchQuery
from .relevance import split_name
from .typed_facts import Days, born_at_age

MAX_SIMILAR_WORDS = 40
"""So many words are compared with a typed word."""
MAX_WORDS = 12
"""So many of them are looked for."""
MAX_TYPED_WORDS = 4
MAX_EACH_WAY = 25
LEAST_SIMILARITY = 0.6
YEARS_APART = 3


@dataclass(frozen=True)
class NearShape:
    """What the ways of being nearly right go by: the number of words, whether there is a birth, the digits. `is_wide`: anybody
    whom one of the words fits."""

    words: int
    has_days: bool = False
    has_span: bool = False
    digits: SearchShape = SearchShape()
    is_wide: bool = False


def find_near_misses(
    query: SearchQuery,
    conditions: SearchConditions,
    select_near: Callable[[NearShape], Select],
    values: Mapping[str, Any],
) -> list[Any]:
    """The patients whom the line nearly fits, in no order; `select_near` makes the SELECT of their rows. First those whom all
    words fit nearly, or the rest of the line; when there are none, those whom one word fits."""
    words = _near_words([part for word in query.words for part in split_name(word)][:MAX_TYPED_WORDS])
    bound = dict(values) | {f"near_{i}": near for i, near in enumerate(words)}
    days, span = _likely_days(query), _likely_span(query)
    bound |= {"days": days} | (span._asdict() if span else {})
    shape = NearShape(
        len(words), bool(days), span is not None, replace(conditions.shape, words=(), initials=0, sexes=0)
    )
    for one in (shape, replace(shape, is_wide=True)):
        if any(True for _way in _ways(one)) and (rows := db.session.execute(select_near(one), bound).all()):
            return list(rows)
    return []


def select_ids(shape: NearShape) -> Select:
    """The ids of the patients whom a line of this shape nearly fits."""
    found = [select(Patient.id).where(Patient.status == "active", *way).limit(MAX_EACH_WAY) for way in _ways(shape)]
    return select(union(*(select(one.subquery().c.id) for one in found)).subquery().c.id)


def _ways(shape: NearShape) -> Iterator[list[ColumnElement[bool]]]:
    """The ways of being nearly right, each as conditions."""
    words = [name_words.overlap(bindparam(f"near_{i}", type_=ARRAY(Text))) for i in range(shape.words)]
    if shape.is_wide:
        yield from ([word] for word in words)
        return
    yield from [words] if words else []
    if len(words) > 2:
        yield from (words[:i] + words[i + 1 :] for i in range(len(words)))
    if shape.has_days:
        day = Patient.birth_date == any_(bindparam("days", type_=ARRAY(Date)))
        yield from ([*words, day], [or_(*words), day]) if words else ([day],)
    if shape.has_span and words:
        about = Patient.birth_date.between(bindparam("first", type_=Date), bindparam("last", type_=Date))
        yield [*words, about]
        if len(words) > 1:
            yield from ([word, about] for word in words)
    yield from ([condition] for condition in shape.digits.telling_conditions())


def _near_words(typed: list[str]) -> list[list[str]]:
    """For each typed word the words of names that resemble it, the most similar first."""
    found: list[list[tuple[float, str]]] = [[] for _word in typed]
    for nth, word in db.session.execute(_similar_words(), {"typed": typed}) if typed else ():
        one = typed[nth - 1]
        similarity = 0.95 if word.startswith(one) else word_similarity(one, word)
        if similarity >= LEAST_SIMILARITY:
            found[nth - 1].append((similarity, word))
    return [[word for _similarity, word in sorted(words, reverse=True)[:MAX_WORDS]] for words in found]


@cache
def _similar_words() -> Select:
    values = func.unnest(bindparam("typed", type_=ARRAY(Text)))
    typed = values.table_valued(column("word", Text), with_ordinality="nth").render_derived("typed").c
    keys = func.hms_name_keys(NameWord.word, type_=ARRAY(Text))
    resembles = or_(
        keys.overlap(func.hms_name_keys(typed.word, type_=ARRAY(Text))),
        NameWord.word.op("%")(typed.word),
        and_(NameWord.word >= typed.word, NameWord.word < typed.word.concat(LAST_LETTER)),
    )
    nearest = func.similarity(NameWord.word, typed.word).desc()
    words = select(NameWord.word).where(resembles).order_by(nearest, NameWord.word).limit(MAX_SIMILAR_WORDS)
    near = words.lateral("near")
    return select(typed.nth, near.c.word).join(near, true())


def _likely_days(query: SearchQuery) -> list[date]:
    """The typed date of birth and those that differ from it in one digit, one day, or by day and month."""
    return likely_typos(query.birth_date) if query.birth_date is not None else []


def _likely_span(query: SearchQuery) -> Days | None:
    """The days of birth of people about as old as the line says."""
    ages = [int(run) for run in query.digit_runs if len(run) < 4 and int(run) <= OLDEST_AGE]
    if query.birth_date is not None:
        born: Days | None = Days(query.birth_date, query.birth_date)
    elif query.birth_year is not None:
        born = Days(date(query.birth_year, 1, 1), date(query.birth_year, 12, 31))
    elif query.born is None and ages and query.looks_into_births:
        born = born_at_age(ages[0], "years", clock.today())
    else:
        born = query.born
    years = timedelta(days=366 * YEARS_APART)
    return Days(born.first - years, born.last + years) if born is not None else None
