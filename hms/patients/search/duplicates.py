"""Possible duplicates of the person being registered: SQL selects candidates, `match_scoring` scores them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, func, select, union

from hms.core.db.folding import folded_name
from hms.core.db.session import db
from hms.core.person import Person as Reader
from hms.patients.identity import phone_numbers
from hms.patients.models import Patient

from . import match_scoring
from .match_scoring import ComparedPerson, likely_typos, tokens
from .queries import SHOWN, SearchResult, build_result, set_similarity_threshold

MAX_SHOWN = 3
MAX_CANDIDATES = 40
MIN_NAME_SIMILARITY = 0.45
YEARS_APART = 5


@dataclass
class DuplicateCandidate:
    """A known patient with the probability (`score`, 0 to 1) that it is the same person, and the `reasons`."""

    hit: SearchResult
    score: float
    reasons: list[str]
    address: str

    @property
    def percent(self) -> int:
        return round(self.score * 100)

    @property
    def is_strong(self) -> bool:
        return self.score >= match_scoring.STRONG


def duplicate_candidates(
    person: ComparedPerson, *, who: Reader, except_id: int | None = None, limit: int = MAX_SHOWN
) -> list[DuplicateCandidate]:
    """The most likely known patients, best first; empty without a name."""
    if not tokens(person.given) + tokens(person.family):
        return []
    name = folded_name(f"{person.given} {person.family}")
    set_similarity_threshold(MIN_NAME_SIMILARITY, of="similarity_threshold")
    rows = db.session.execute(_candidates(person, name)).all()
    scored = [_score_candidate(person, row, who) for row in rows if row.id != except_id]
    likely = [candidate for candidate in scored if candidate.score >= match_scoring.WORTH_SHOWING]
    return sorted(likely, key=lambda candidate: (-candidate.score, candidate.hit.id))[:limit]


def compared_person(patient: Patient) -> ComparedPerson:
    """The facts of a record that are compared."""
    return ComparedPerson(
        patient.given_names,
        patient.family_name,
        patient.birth_date,
        bool(patient.birth_is_estimated),
        patient.sex,
        patient.phone or None,
        patient.address or "",
    )


def _candidates(person: ComparedPerson, name: ScalarSelect) -> Select:
    nearest = func.similarity(Patient.search_names, name).desc()
    blocks = [
        select(Patient.id).where(Patient.status == "active", block).order_by(nearest).limit(MAX_CANDIDATES).subquery()
        for block in _blocks(person, name)
    ]
    ids = union(*(select(block.c.id) for block in blocks)).subquery()
    columns = (*SHOWN, Patient.address)
    return select(*columns).where(Patient.id.in_(select(ids.c.id)))


def _blocks(person: ComparedPerson, name: ScalarSelect) -> list[ColumnElement[bool]]:
    """Conditions that select candidates: same phone, same or mistyped birth date, or similar name without a different date."""
    resembles = Patient.search_names.op("%")(name)
    blocks = []
    dialled = phone_numbers.strip_dial_prefix(
        phone_numbers.parse_phone(person.phone or "", current_app.config["COUNTRY"]).e164 or person.phone or ""
    )
    if len(dialled) >= 6:
        blocks.append(Patient.search_digits.like(f"%{dialled[-8:]} %"))
    if person.birth_date is None:
        return [*blocks, resembles]
    span = timedelta(days=366 * YEARS_APART)
    about = and_(resembles, Patient.birth_date.between(person.birth_date - span, person.birth_date + span))
    blocks.append(and_(resembles, Patient.birth_date.is_(None)))
    if person.is_estimated:
        return [*blocks, about]
    return [*blocks, and_(about, Patient.birth_is_estimated), Patient.birth_date.in_(likely_typos(person.birth_date))]


def _score_candidate(person: ComparedPerson, row: Any, who: Reader) -> DuplicateCandidate:
    candidate = ComparedPerson(
        row.given_name,
        row.family_name,
        row.date_of_birth,
        row.birth_is_estimated,
        row.sex,
        row.phone or None,
        row.address,
    )
    match = match_scoring.score_match(person, candidate)
    return DuplicateCandidate(build_result(row, who=who), match.score, match.reasons, row.address)
