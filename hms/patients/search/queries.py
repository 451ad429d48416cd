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
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text.cleaning import fold
from hms.patients.identity import phone_numbers
from hms.patients.identity.columns import WHO, Identified
from hms.patients.models import ALLERGY_WORDS, Patient

from .conditions import SearchConditions
from .query_parser import SearchQuery, parse_query

_NEARNESS = text("SELECT set_config(:of, :near, true)")


def set_similarity_threshold(near: float, *, of: str) -> None:
    """Set the pg_trgm threshold `of` to `near` (0 to 1) until the transaction ends."""
    db.session.connection().execute(_NEARNESS, {"of": f"pg_trgm.{of}", "near": str(near)})


MAX_CANDIDATES = 200
"""So many matches are ranked; a line that fits more people is too short to tell them apart."""
MIN_WORD_SIMILARITY = 0.44
"""Kadijatu comes 0.55 near Kadiatu, Muhamed 0.45 near Mohamed (pg_trgm's strict word similarity)."""
BY_NAME = (Patient.sort_name, Patient.id)


@dataclass
class SearchResult(Identified):
    """One patient found. `phone` is as this person may see it; `is_similar` when only the spelling comes near."""

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
    """The patients that fit `text`, at most `limit`: exact number, exact phone, then by name; similar spelling last."""
    asked = parse_for_reader(text, phones=who.may(Permission.READ_CONTACT))
    if asked.is_empty:
        return []
    sought = SearchConditions.of(asked)
    matching = {row.id: row for row in db.session.execute(_matching(limit * 2, sought=sought, first=first))}
    rows = [(row, False) for row in matching.values()]
    if asked.words and len(rows) < limit:
        set_similarity_threshold(MIN_WORD_SIMILARITY, of="strict_word_similarity_threshold")
        rows += [
            (row, True) for row in db.session.execute(_similar(limit * 2, sought=sought)) if row.id not in matching
        ]
    return _flag_same_names([build_result(row, who=who, is_similar=is_similar) for row, is_similar in rows[:limit]])


def parse_for_reader(text: str, *, births: bool = True, phones: bool = True) -> SearchQuery:
    """`text` taken apart with this hospital's number prefix and day; read as a birth date or a phone only for those who are
    shown these."""
    asked = parse_query(text, clock.today(), settings.value("patients.number_prefix"))
    asked = asked if births else asked.without_births()
    return asked if phones else asked.without_phones()


def _rank(sought: SearchConditions, some: Any) -> ColumnElement[int]:
    """0 the number itself, 1 the whole phone, 2 one who comes first, 3 a whole name as typed, 4 the rest."""
    whens: list[Any] = [(some.number == number, 0) for number in sought.numbers]
    whens += [(some.search_digits.like(phone), 1) for phone in sought.phones]
    whens.append((some.is_first, 2))
    if sought.wholes:
        whens.append((and_(*(some.search_names.like(whole, escape="\\") for whole in sought.wholes)), 3))
    return case(*whens, else_=literal(4))


SHOWN = (*WHO, Patient.phone, Patient.phone_is_checked, Patient.allergy_status)
_RANKED = (*SHOWN, Patient.sort_name, Patient.number, Patient.search_names, Patient.search_digits)


def _matching(limit: Any, *, sought: SearchConditions, first: PreferredPatients) -> Select:
    """Ranks a bounded number of matches, so that a short line costs no more than a long one. Who comes first may come
    twice: to tell them from the others costs the database more than to send them again."""
    some = _candidates(false(), sought).limit(MAX_CANDIDATES)
    if first.ids is not None:
        # As one value, looked up one by one: there are as many in a large hospital as in a small one.
        ids = func.array(first.ids(first.day).scalar_subquery(), type_=ARRAY(BigInteger))
        some = union_all(_candidates(true(), sought).where(Patient.id == any_(ids)), some)
    columns = some.subquery("some").c
    shown = [columns[column.key] for column in SHOWN]
    return select(*shown).order_by(_rank(sought, columns), columns.sort_name, columns.id).limit(limit)


def _candidates(is_first: Any, sought: SearchConditions) -> Select:
    return select(*_RANKED, is_first.label("is_first")).where(Patient.status == "active", sought.fits())


def _similar(limit: Any, *, sought: SearchConditions) -> Select:
    """Names that sound or look like the words (pg_trgm's strict word similarity), nearest first."""
    near = [func.strict_word_similarity(part, Patient.search_names) for part in sought.parts]
    resembles = [literal(part).op("<<%")(Patient.search_names) for part in sought.parts]
    return (
        select(*SHOWN)
        .where(Patient.status == "active", *resembles, *sought.digits())
        .order_by(sum(near, literal(0)).desc(), *BY_NAME)
        .limit(limit)
    )


def build_result(row: Any, *, who: Person, is_similar: bool = False) -> SearchResult:
    """A row of `SHOWN` as `who` sees it."""
    return SearchResult(
        *row[1 : len(WHO)],
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
