"""Possible duplicates of the person being registered: SQL selects candidates, `match_scoring` scores them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Select, and_, func, select, union

from hms.core.db.session import db
from hms.core.person import Person as Reader
from hms.patients.identity import phone_numbers
from hms.patients.models import Patient

from . import match_scoring
from .match_scoring import Person, tokens
from .queries import SHOWN, SearchResult, hit, near_is

MAX_SHOWN = 3
MAX_CANDIDATES = 40
NEAR_NAME = 0.45
YEARS_APART = 5


@dataclass
class DuplicateCandidate:
    """A known patient with how likely (0 to 1) it is the same person, and why, in words."""

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
    person: Person, *, who: Reader, except_id: int | None = None, limit: int = MAX_SHOWN
) -> list[DuplicateCandidate]:
    """The likeliest known patients, best first; nothing while there is no name to go by."""
    name = " ".join(tokens(person.given) + tokens(person.family))
    if not name:
        return []
    near_is(NEAR_NAME, of="similarity_threshold")
    rows = db.session.execute(_candidates(person, name)).all()
    weighed = [_weighed(person, row, who) for row in rows if row.id != except_id]
    worth = [one for one in weighed if one.score >= match_scoring.WORTH_SHOWING]
    return sorted(worth, key=lambda one: (-one.score, one.hit.id))[:limit]


def _candidates(person: Person, name: str) -> Select:
    nearest = func.similarity(Patient.search_names, name).desc()
    blocks = [
        select(Patient.id).where(Patient.status == "active", block).order_by(nearest).limit(MAX_CANDIDATES).subquery()
        for block in _blocks(person, name)
    ]
    ids = union(*(select(block.c.id) for block in blocks)).subquery()
    columns = (*SHOWN, Patient.address)
    return select(*columns).where(Patient.id.in_(select(ids.c.id)))


def _blocks(person: Person, name: str) -> list[ColumnElement[bool]]:
    """Who is worth weighing: the same phone, a birth date a slip away, a like name where no exact date speaks against it."""
    resembles = Patient.search_names.op("%")(name)
    blocks = []
    dialled = phone_numbers.fragment(
        phone_numbers.normal(person.phone or "", current_app.config["COUNTRY"]).e164 or person.phone or ""
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
    return [*blocks, and_(about, Patient.birth_is_estimated), Patient.birth_date.in_(slips(person.birth_date))]


def slips(born: date) -> list[date]:
    """The date, its neighbours, day and month swapped, and every date that differs in one digit."""
    found = {born, born + timedelta(days=1), born - timedelta(days=1)}
    if born.day <= 12:
        found.add(date(born.year, born.day, born.month))
    written = born.isoformat()
    for place, digit in enumerate(written):
        for other in "0123456789" if digit != "-" else "":
            try:
                found.add(date.fromisoformat(written[:place] + other + written[place + 1 :]))
            except ValueError:
                continue
    return sorted(found)


def _weighed(person: Person, row: Any, who: Reader) -> DuplicateCandidate:
    known = Person(
        row.given_name,
        row.family_name,
        row.date_of_birth,
        row.birth_is_estimated,
        row.sex,
        row.phone or None,
        row.address,
    )
    likeness = match_scoring.score_match(person, known)
    return DuplicateCandidate(hit(row, who=who), likeness.score, likeness.reasons, row.address)
