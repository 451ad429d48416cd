"""Finding patients by one typed line: those whom every part fits, ranked; else those whom most of it fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    any_,
    bindparam,
    case,
    false,
    func,
    select,
    true,
    union_all,
)
from sqlalchemy import Text as SqlText
from sqlalchemy.dialects.postgresql import ARRAY

from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text import phone_numbers
from hms.core.text.cleaning import fold
from hms.core.text.translation import N_, Sentence
from hms.core.web.parameters import BoundsShape
from hms.patients.access import policy
from hms.patients.access.reader import ReaderKind
from hms.patients.identity import hospital_numbers
from hms.patients.identity.columns import PATIENT_COLUMNS, Identified
from hms.patients.models import ALLERGY_WORDS, Patient

from . import near_misses
from .conditions import (
    SearchConditions,
    SearchShape,
    has_identifier,
    has_number,
    identifier,
    identifiers,
    in_identifiers,
    kin_digits,
)
from .query_parser import SearchQuery, parse_query
from .relevance import LineScore, Relevance

MAX_CANDIDATES = 100
"""So many matches are ordered by the database; a search with more matches is too short to rank them well."""
MAX_SCORED = 40
"""So many patients are compared with the line one by one."""
BY_NAME = (Patient.sort_name, Patient.id)
_PREFERRED = 0.1
_CONVINCING = 3
"""So many patients whose names begin as typed need no others beside them."""


@dataclass
class SearchResult(Identified):
    """A matching patient. `phone` is formatted or masked for the reader; `is_similar` marks one whom a part of the line does
    not fit."""

    id: int
    phone: str
    allergy_status: str
    is_similar: bool = False
    same_name_count: int = 0

    @property
    def allergy_words(self) -> str:
        return ALLERGY_WORDS[self.allergy_status]


@dataclass(frozen=True)
class PreferredPatients:
    """Patients ranked before other matches, for example those with an appointment on `day`."""

    ids: Callable[[Any], Select] | None = None
    """Builds the query of their ids for a day; it is kept."""
    day: date | None = None


@dataclass(frozen=True)
class Scope:
    """Among which patients is searched: those that this kind of reader may see, registered within days of this shape. `values`
    are the bound parameters of both."""

    kind: ReaderKind | None = None
    days: BoundsShape | None = None
    values: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False)

    def conditions(self) -> list[ColumnElement[bool]]:
        """The conditions of an active patient in this scope."""
        own = policy.own_rows(self.kind.reader(), Patient.id) if self.kind is not None else []
        return [Patient.status == "active", *own, *(self.days.conditions(Patient.created_at) if self.days else [])]


class Found(NamedTuple):
    """A patient (a row of `RANKED`), and how well the line fits."""

    row: Any
    relevance: Relevance


_UNSCORED = Relevance(1.0, fits=True, is_whole=False)


def search_patients(
    text: str, *, limit: int = 8, who: Person, first: PreferredPatients = PreferredPatients()
) -> list[SearchResult]:
    """At most `limit` patients that match `text`, the most likely first; when every part fits nobody, whom most parts fit."""
    query = parse_for_reader(
        text, phones=who.may(Permission.READ_CONTACT), identifiers=who.may(Permission.EDIT_PATIENT)
    )
    found = find_patients(query, limit=limit, first=first)
    results = [build_result(one.row, who=who, is_similar=not one.relevance.fits) for one in found]
    return _flag_same_names(results)


def find_patients(
    query: SearchQuery, *, limit: int, first: PreferredPatients = PreferredPatients(), scope: Scope = Scope()
) -> list[Found]:
    """At most `limit` patients, the most likely first; when more than `MAX_SCORED` match, in the order of the database."""
    conditions, score = SearchConditions.of(query), LineScore(query)
    values = dict(scope.values) | conditions.values
    matching = _fetch_holders(query, values, scope)
    if not query.is_empty and not query.finds_nobody and not matching:
        matching = _fetch_matching(conditions, values, limit, first, scope)
    if len(matching) > MAX_SCORED:
        return [Found(row, _UNSCORED) for row in matching.values()][:limit]
    found = [Found(row, score.of(row)) for row in matching.values()]
    if not query.is_empty and not query.finds_nobody and not _is_convincing(found, limit):
        near = near_misses.find_near_misses(query, conditions, partial(_near, scope=scope), values)
        found += [Found(row, score.of(row)) for row in near if row.id not in matching]
    return _ranked(found)[:limit]


def _fetch_holders(query: SearchQuery, values: dict[str, Any], scope: Scope) -> dict[int, Any]:
    """The patients whose national ID is a word that could also be a number of another hospital."""
    if not query.other_number or not query.looks_into_identifiers:
        return {}
    wanted = {"holder": in_identifiers(identifier(query.other_number))}
    return {row.id: row for row in db.session.execute(_holders(scope), values | wanted)}


@cache
def _holders(scope: Scope) -> Select:
    return _candidates(false(), SearchShape(), scope).where(has_identifier("holder")).limit(MAX_SCORED)


def _fetch_matching(
    conditions: SearchConditions, values: dict[str, Any], limit: int, first: PreferredPatients, scope: Scope
) -> dict[int, Any]:
    """The patients whom every part fits, in the order of the database, by id."""
    line = {"line": " ".join(conditions.parts), "phones": list(conditions.phones), "first_day": first.day}
    limits = {"limit": max(limit, min(2 * limit, MAX_SCORED)), "candidates": max(limit, MAX_CANDIDATES)}
    rows = db.session.execute(_matching(conditions.shape, first.ids, scope), values | line | limits)
    matching: dict[int, Any] = {}
    for row in rows:
        matching.setdefault(row.id, row)
    return matching


def _is_convincing(found: list[Found], limit: int) -> bool:
    """Whether nobody else need be looked for: somebody has the words as whole names, or several have them as beginnings."""
    return len(found) >= min(limit, _CONVINCING) or any(one.relevance.is_whole for one in found)


def _ranked(found: list[Found]) -> list[Found]:
    """The most likely first; a preferred patient before others whom every part fits."""

    def rank(one: Found) -> tuple[Any, ...]:
        preferred = _PREFERRED if one.row.is_first and one.relevance.fits else 0.0
        return (not one.relevance.fits, -one.relevance.score - preferred, one.row.sort_name, one.row.id)

    return sorted(found, key=rank)


MISTYPED_NUMBER = N_("Check the number: a digit of this hospital number is wrong.")


OTHER_NUMBER = N_("%(typed)s is no number of this hospital. Its numbers look like %(example)s. Check the number.")


def number_problem(text: str, *, who: Person) -> Sentence | None:
    """What is wrong with the hospital number in `text`: a wrong check digit, which finds nobody, or another prefix."""
    return _number_problem(parse_for_reader(text or "", identifiers=who.may(Permission.EDIT_PATIENT)))


def _number_problem(query: SearchQuery) -> Sentence | None:
    if query.is_mistyped_number:
        return Sentence(MISTYPED_NUMBER)
    if query.other_number and not _fetch_holders(query, {}, Scope()):
        example = hospital_numbers.format_hospital_number(482, settings.value("patients.number_prefix"))
        return Sentence(OTHER_NUMBER, typed=query.other_number, example=example)
    return None


def check_number(text: str, field: str, *, who: Person, needs_all: bool = True) -> None:
    """Raise `RuleBroken` at `field` when `text` has a mistyped hospital number or one with another prefix. Without
    `needs_all` other words beside such a number are enough."""
    query = parse_for_reader(text, identifiers=who.may(Permission.EDIT_PATIENT))
    problem = _number_problem(query) if needs_all or query.is_empty else None
    if problem is not None:
        code = "mistyped_number" if query.is_mistyped_number else "other_number"
        raise RuleBroken(problem, field, code=code)


def parse_for_reader(
    text: str, *, births: bool = True, sexes: bool = True, phones: bool = True, identifiers: bool = True
) -> SearchQuery:
    """Parse `text` with this hospital's number prefix and today's date. `births`, `sexes`, `phones` and `identifiers` (national
    ID, next of kin): whether the reader may see them; otherwise they are not searched."""
    query = parse_query(text, clock.today(), settings.value("patients.number_prefix"))
    query = query if births else query.without_births()
    query = query if sexes else query.without_sexes()
    query = query if identifiers else query.without_identifiers()
    return query if phones else query.without_phones()


SHOWN = (*PATIENT_COLUMNS, Patient.phone, Patient.phone_is_checked, Patient.allergy_status)
RANKED = (
    *SHOWN,
    *(Patient.sort_name, Patient.number, Patient.search_names, Patient.search_digits),
    kin_digits.label("kin_digits"),
    identifiers.label("identifiers"),
)
"""The columns of a patient who is compared with a line."""


@cache
def _matching(shape: SearchShape, first_ids: Callable[[Any], Select] | None, scope: Scope) -> Select:
    """Order a bounded number of matches, so that a short search costs no more than a long one. Preferred patients may come
    twice, because removing them costs the database more than sending them again."""
    candidates = _candidates(false(), shape, scope).limit(bindparam("candidates"))
    if first_ids is not None:
        # One array value makes the planner look up each id by itself.
        ids = func.array(first_ids(bindparam("first_day")).scalar_subquery(), type_=ARRAY(BigInteger))
        candidates = union_all(_candidates(true(), shape, scope).where(Patient.id == any_(ids)), candidates)
    columns = candidates.subquery("candidates").c
    return select(columns).order_by(_rank(shape, columns), columns.sort_name, columns.id).limit(bindparam("limit"))


def _candidates(is_first: Any, shape: SearchShape, scope: Scope) -> Select:
    columns = (*RANKED, _holds_number(shape), is_first.label("is_first"))
    return select(*columns).where(*scope.conditions(), shape.condition())


def _holds_number(shape: SearchShape) -> ColumnElement[bool]:
    """A column: whether the typed number is that of the record, or of one that was merged into it."""
    holds = has_number(Patient, bindparam("number")) if shape.has_number else false()
    return holds.label("holds_number")


def _rank(shape: SearchShape, columns: Any) -> ColumnElement[int]:
    """0 the hospital number itself, 1 a whole phone, 2 a preferred patient, 3 whole names as typed, 4 the rest."""
    whens: list[Any] = [(has_number(columns, bindparam("number")), 0)] if shape.has_number else []
    if shape.runs or shape.alternative:
        whens.append((columns.search_digits.like(any_(bindparam("phones", type_=ARRAY(SqlText)))), 1))
    whens.append((columns.is_first, 2))
    if shape.words:
        typed = func.string_to_array(func.hms_fold_name(bindparam("line")), " ")
        whens.append((func.string_to_array(columns.search_names, " ", type_=ARRAY(SqlText)).contains(typed), 3))
    return case(*whens, else_=4)


@cache
def _near(shape: near_misses.NearShape, *, scope: Scope) -> Select:
    """The patients whom a line of this shape nearly fits, to be compared with the line."""
    near = near_misses.select_ids(shape).cte("near").prefix_with("MATERIALIZED")
    columns = (*RANKED, _holds_number(shape.digits), false().label("is_first"))
    return select(*columns).join(near, near.c.id == Patient.id).where(*scope.conditions())


def build_result(row: Any, *, who: Person, is_similar: bool = False) -> SearchResult:
    """A row of `SHOWN` as `who` sees it."""
    return SearchResult(
        *row[1 : len(PATIENT_COLUMNS)],
        id=row.id,
        phone=format_phone_for(row, who),
        allergy_status=row.allergy_status,
        is_similar=is_similar,
    )


def format_phone_for(patient: Any, who: Person) -> str:
    """The phone as `who` may see it: grouped, or only its last three digits."""
    if not patient.phone:
        return ""
    if not who.may(Permission.READ_CONTACT):
        return phone_numbers.mask_phone(None, patient.phone)
    e164 = patient.phone if patient.phone_is_checked else None
    return phone_numbers.format_phone(e164, patient.phone, current_app.config["COUNTRY"])


def _flag_same_names(hits: list[SearchResult]) -> list[SearchResult]:
    names = Counter((fold(hit.family_name), fold(hit.given_name)) for hit in hits)
    for hit in hits:
        hit.same_name_count = names[fold(hit.family_name), fold(hit.given_name)] - 1
    return hits
