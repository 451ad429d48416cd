"""Finding patients by one typed line, ranked, with similar spelling last (pg_trgm)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import current_app
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    and_,
    any_,
    case,
    false,
    func,
    literal,
    select,
    text,
    true,
    union_all,
)

from hms.core import clock
from hms.core.db.folding import folded_name
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text.cleaning import fold
from hms.core.text.translation import N_, Sentence
from hms.patients.identity import hospital_numbers, phone_numbers
from hms.patients.identity.columns import PATIENT_COLUMNS, Identified
from hms.patients.models import ALLERGY_WORDS, Patient

from .conditions import SearchConditions, has_number, name_conditions
from .query_parser import SearchQuery, parse_query

_SET_CONFIG = text("SELECT set_config(:of, :near, true)")


def set_similarity_threshold(near: float, *, of: str) -> None:
    """Set the pg_trgm threshold `of` to `near` (0 to 1) until the transaction ends."""
    db.session.connection().execute(_SET_CONFIG, {"of": f"pg_trgm.{of}", "near": str(near)})


MAX_CANDIDATES = 200
"""The maximum number of matches that are ranked; a search with more matches is too short to rank them well."""
MIN_WORD_SIMILARITY = 0.44
"""Similarity of Kadijatu and Kadiatu is 0.55, of Muhamed and Mohamed 0.45 (pg_trgm's strict word similarity)."""
BY_NAME = (Patient.sort_name, Patient.id)


@dataclass
class SearchResult(Identified):
    """A matching patient. `phone` is formatted or masked for the reader; `is_similar` marks a match by similar spelling only."""

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
    """Builds the query of their ids for a day."""
    day: date | None = None


def search_patients(
    text: str, *, limit: int = 8, who: Person, first: PreferredPatients = PreferredPatients()
) -> list[SearchResult]:
    """At most `limit` patients that match `text`: exact number, exact phone, then by name; similar spelling last."""
    query = parse_for_reader(text, phones=who.may(Permission.READ_CONTACT))
    if query.is_empty:
        return []
    conditions = SearchConditions.of(query)
    matching = {row.id: row for row in db.session.execute(_matching(limit * 2, conditions=conditions, first=first))}
    rows = [(row, False) for row in matching.values()]
    if query.words and len(rows) < limit:
        set_similarity_threshold(MIN_WORD_SIMILARITY, of="strict_word_similarity_threshold")
        rows += [
            (row, True)
            for row in db.session.execute(_similar(limit * 2, conditions=conditions))
            if row.id not in matching
        ]
    return _flag_same_names([build_result(row, who=who, is_similar=is_similar) for row, is_similar in rows[:limit]])


MISTYPED_NUMBER = N_("Check the number: a digit of this hospital number is wrong.")


OTHER_NUMBER = N_("%(typed)s is no number of this hospital. Its numbers look like %(example)s. Check the number.")


def number_problem(text: str) -> Sentence | None:
    """What is wrong with the hospital number in `text`: a wrong check digit, which finds nobody, or another prefix."""
    return _number_problem(parse_for_reader(text or ""))


def _number_problem(query: SearchQuery) -> Sentence | None:
    if query.is_mistyped_number:
        return Sentence(MISTYPED_NUMBER)
    if query.other_number:
        example = hospital_numbers.format_hospital_number(482, settings.value("patients.number_prefix"))
        return Sentence(OTHER_NUMBER, typed=query.other_number, example=example)
    return None


def check_number(text: str, field: str, *, needs_all: bool = True) -> None:
    """Raise `RuleBroken` at `field` when `text` has a mistyped hospital number or one with another prefix. Without
    `needs_all` other words beside such a number are enough."""
    query = parse_for_reader(text)
    problem = _number_problem(query) if needs_all or query.is_empty else None
    if problem is not None:
        code = "mistyped_number" if query.is_mistyped_number else "other_number"
        raise RuleBroken(problem, field, code=code)


def parse_for_reader(text: str, *, births: bool = True, phones: bool = True) -> SearchQuery:
    """Parse `text` with this hospital's number prefix and today's date. `births` and `phones`: whether the reader may see
    birth dates and phones; otherwise digits do not match them."""
    query = parse_query(text, clock.today(), settings.value("patients.number_prefix"))
    query = query if births else query.without_births()
    return query if phones else query.without_phones()


def _rank(conditions: SearchConditions, columns: Any) -> ColumnElement[int]:
    """0 the hospital number itself, 1 a whole phone, 2 a preferred patient, 3 whole names as typed, 4 the rest."""
    whens: list[Any] = [(has_number(columns, number), 0) for number in conditions.numbers]
    whens += [(columns.search_digits.like(phone), 1) for phone in conditions.phones]
    whens.append((columns.is_first, 2))
    if conditions.whole_words:
        whens.append((and_(*name_conditions(columns.search_names, conditions.whole_words)), 3))
    return case(*whens, else_=literal(4))


SHOWN = (*PATIENT_COLUMNS, Patient.phone, Patient.phone_is_checked, Patient.allergy_status)
_RANKED = (*SHOWN, Patient.sort_name, Patient.number, Patient.search_names, Patient.search_digits)


def _matching(limit: Any, *, conditions: SearchConditions, first: PreferredPatients) -> Select:
    """Rank a bounded number of matches, so that a short search costs no more than a long one. Preferred patients may come
    twice, because removing them costs the database more than sending them again."""
    candidates = _candidates(false(), conditions).limit(MAX_CANDIDATES)
    if first.ids is not None:
        # One array value makes the planner look up each id by itself.
        ids = func.array(first.ids(first.day).scalar_subquery(), type_=ARRAY(BigInteger))
        candidates = union_all(_candidates(true(), conditions).where(Patient.id == any_(ids)), candidates)
    columns = candidates.subquery("candidates").c
    shown_columns = [columns[column.key] for column in SHOWN]
    return select(*shown_columns).order_by(_rank(conditions, columns), columns.sort_name, columns.id).limit(limit)


def _candidates(is_first: Any, conditions: SearchConditions) -> Select:
    return select(*_RANKED, is_first.label("is_first")).where(Patient.status == "active", conditions.condition())


def _similar(limit: Any, *, conditions: SearchConditions) -> Select:
    """Patients with names similar to the words (pg_trgm's strict word similarity), most similar first."""
    similarities = [func.strict_word_similarity(folded_name(part), Patient.search_names) for part in conditions.parts]
    resembles = [folded_name(part).op("<<%")(Patient.search_names) for part in conditions.parts]
    return (
        select(*SHOWN)
        .where(Patient.status == "active", *resembles, *conditions.digit_conditions())
        .order_by(sum(similarities, literal(0)).desc(), *BY_NAME)
        .limit(limit)
    )


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
