"""Possible duplicates of the person being registered: SQL selects candidates, `match_scoring` scores them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from flask import current_app
from sqlalchemy import (
    ColumnElement,
    Date,
    ScalarSelect,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY

from hms.core.db.folding import folded_name
from hms.core.db.session import db
from hms.core.db.word_search import set_similarity_threshold
from hms.core.person import Person as Reader
from hms.core.text import phone_numbers
from hms.patients.enums import PhoneOwner
from hms.patients.models import OtherPhone, Patient

from . import match_scoring
from .conditions import MIN_IDENTIFIER, has_identifier, has_kin, identifier, in_identifiers, kin_digits, name_words
from .match_scoring import ComparedPerson, likely_typos, nearest_days, tokens
from .queries import SHOWN, SearchResult, build_result

MAX_SHOWN = 3
MAX_CANDIDATES = 40
MIN_NAME_SIMILARITY = 0.45
MAX_QUICK = 20
"""So many are looked at in each way of a quick look."""
YEARS_APART = 5
MIN_PHONE = 6
MAX_PHONES = 4
"""So many of a person's phones are looked for."""
_OF_PERSON = OtherPhone.owner.in_((PhoneOwner.OWN.value, PhoneOwner.WORK.value))
"""Further phones of the patient. Those of relatives and neighbours say nothing of who the patient is."""
_OTHER_PHONES = (
    select(func.array_agg(OtherPhone.number))
    .where(OtherPhone.patient_id == Patient.id, _OF_PERSON)
    .scalar_subquery()
    .label("other_phones")
)
COMPARED = (Patient.address, Patient.preferred_name, Patient.other_names, Patient.national_id, _OTHER_PHONES)


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
    person: ComparedPerson, *, who: Reader, except_id: int | None = None, limit: int = MAX_SHOWN, is_quick: bool = False
) -> list[DuplicateCandidate]:
    """The most likely known patients, best first; empty without a name. With `is_quick` one statement by indexes finds those
    who are registered already beyond doubt, and not those with similar names only."""
    if not tokens(person.given) + tokens(person.family):
        return []
    rows = _quick_rows(person) if is_quick else _similar_rows(person)
    scored = [(_score(person, row), row) for row in rows if row.id != except_id]
    likely = [(match, row) for match, row in scored if match.score >= match_scoring.WORTH_SHOWING]
    best = sorted(likely, key=lambda one: (-one[0].score, one[1].id))[:limit]
    return [DuplicateCandidate(build_result(row, who=who), *match, row.address) for match, row in best]


def _similar_rows(person: ComparedPerson) -> Sequence[Any]:
    name = folded_name(f"{person.given} {person.family} {person.other_names}".strip())
    set_similarity_threshold(MIN_NAME_SIMILARITY, of="similarity_threshold")
    values = {"national_id": in_identifiers(identifier(person.national_id))}
    return db.session.execute(_candidates(person, name), values).all()


def _quick_rows(person: ComparedPerson) -> Sequence[Any]:
    numbers, plain = _numbers(person), identifier(person.national_id)
    days = nearest_days(person.birth_date) if person.birth_date and not person.is_estimated else []
    shape = (len(numbers), len(plain) >= MIN_IDENTIFIER, bool(days))
    if not any(shape):
        return []
    names = " ".join(f"{person.given} {person.family} {person.other_names}".split())
    values = {"national_id": in_identifiers(plain), "days": days, "names": names}
    for place, number in enumerate(numbers):
        values |= {f"phone_{place}": f"%{number} %", f"further_{place}": f"%{number}%"}
    return db.session.execute(_quick(*shape), values).all()


@cache
def _quick(phones: int, has_id: bool, has_days: bool) -> Select:
    """Those with one of the phones or the national ID, or with one of the names and nearly the date of birth."""
    blocks = [
        block
        for place in range(phones)
        for block in _has_number(bindparam(f"phone_{place}"), bindparam(f"further_{place}"))
    ]
    blocks += [has_identifier("national_id")] if has_id else []
    if has_days:
        folded = func.btrim(func.hms_fold_name(bindparam("names")))
        own = func.string_to_array(folded, literal_column("' '"), type_=ARRAY(Text))
        day = Patient.birth_date == any_(bindparam("days", type_=ARRAY(Date)))
        blocks.append(and_(day, name_words.overlap(own)))
    return _found_by(blocks, MAX_QUICK)


def _found_by(blocks: list[ColumnElement[bool]], limit: int, *order: Any) -> Select:
    found = [select(Patient.id).where(Patient.status == "active", one).order_by(*order).limit(limit) for one in blocks]
    ids = union(*(select(one.subquery().c.id) for one in found)).subquery()
    return select(*SHOWN, *COMPARED).where(Patient.id.in_(select(ids.c.id)))


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
        f"{patient.preferred_name or ''} {patient.other_names or ''}".strip(),
        patient.national_id or "",
        _further_phones(patient),
    )


def _further_phones(patient: Patient) -> tuple[str, ...]:
    """The numbers of the patient beside the first; a record that is not stored yet has none."""
    if patient.id is None:
        return ()
    return tuple(db.session.scalars(select(OtherPhone.number).where(OtherPhone.patient_id == patient.id, _OF_PERSON)))


def _candidates(person: ComparedPerson, name: ScalarSelect) -> Select:
    nearest = func.similarity(Patient.search_names, name).desc()
    return _found_by(_blocks(person, name), MAX_CANDIDATES, nearest)


def _blocks(person: ComparedPerson, name: ScalarSelect) -> list[ColumnElement[bool]]:
    """Conditions that select candidates: a phone in common, same or mistyped birth date, or similar name without a different
    date."""
    resembles = Patient.search_names.op("%")(name)
    blocks = []
    if len(identifier(person.national_id)) >= MIN_IDENTIFIER:
        blocks.append(has_identifier("national_id"))
    for number in _numbers(person):
        blocks += _has_number(f"%{number} %", f"%{number}%")
    if person.birth_date is None:
        return [*blocks, resembles]
    span = timedelta(days=366 * YEARS_APART)
    about = and_(resembles, Patient.birth_date.between(person.birth_date - span, person.birth_date + span))
    blocks.append(and_(resembles, Patient.birth_date.is_(None)))
    if person.is_estimated:
        return [*blocks, about]
    return [*blocks, and_(about, Patient.birth_is_estimated), Patient.birth_date.in_(likely_typos(person.birth_date))]


def _has_number(first: Any, further: Any) -> list[ColumnElement[bool]]:
    """The conditions of patients with a number as their first phone, or among the further ones and those of relatives; the
    score compares only the further phones of the patients themselves."""
    return [Patient.search_digits.like(first), and_(has_kin, kin_digits.like(further))]


def _numbers(person: ComparedPerson) -> list[str]:
    """The last digits of the person's phones that are long enough to be looked for."""
    dialled = (_dialled(phone) for phone in (person.phone, *person.other_phones) if phone)
    return list(dict.fromkeys(number[-8:] for number in dialled if len(number) >= MIN_PHONE))[:MAX_PHONES]


def _dialled(typed: str) -> str:
    return phone_numbers.strip_dial_prefix(
        phone_numbers.parse_phone(typed, current_app.config["COUNTRY"]).e164 or typed
    )


def _score(person: ComparedPerson, row: Any) -> match_scoring.MatchScore:
    known = ComparedPerson(
        row.given_name,
        row.family_name,
        row.date_of_birth,
        row.birth_is_estimated,
        row.sex,
        row.phone or None,
        row.address,
        f"{row.preferred_name} {row.other_names}".strip(),
        row.national_id,
        tuple(row.other_phones or ()),
    )
    return match_scoring.score_match(person, known)
