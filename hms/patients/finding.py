"""Finding a patient from one typed line, in the database: every part of the line must match somewhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Select, and_, case, func, literal, select
from sqlalchemy import text as text_

from hms.core import clock, settings
from hms.core.db import ONLY_READS, db
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.text import fold, like

from . import rules
from .models import ALLERGY_WORDS, Patient
from .search import SearchTerms, terms
from .sought import Sought, part, written

MOST_CANDIDATES = 200
"""So many matches are ranked; a line that fits more people is too short to tell them apart."""
FULL_PHONE = 7
NEAR_WORD = "0.44"
"""Kadijatu comes 0.55 near Kadiatu, Muhamed 0.45 near Mohamed (pg_trgm's strict word similarity)."""
WHO = (
    Patient.id,
    Patient.family_name,
    Patient.given_names.label("given_name"),
    Patient.title,
    Patient.birth_date.label("date_of_birth"),
    Patient.birth_is_estimated,
    Patient.sex,
    Patient.hospital_number,
    Patient.deceased_on,
)
"""The columns with which a list shows who somebody is, named as the macros of `patient.html` read them."""
BY_NAME = (Patient.sort_name, Patient.id)


@dataclass
class Hit:
    """One patient found. `phone` is as this person may see it; `is_similar` when only the spelling comes near."""

    id: int
    family_name: str
    given_name: str
    title: str
    date_of_birth: date | None
    birth_is_estimated: bool
    sex: str
    hospital_number: str
    deceased_on: date | None
    phone: str
    allergy_words: str
    is_similar: bool = False
    same_name_count: int = 0


def find(text: str, *, limit: int = 8, who: Person, first: Select | None = None) -> list[Hit]:
    """The patients that fit `text`, at most `limit`: exact number, exact phone, then by name; similar spelling last.

    `first` selects the ids of patients (those booked today) who come before others that fit as well.
    """
    asked = asked_for(text)
    if asked.is_empty:
        return []
    rows = [(row, False) for row in db.session.execute(_matching(asked, limit, first))]
    if asked.words and len(rows) < limit:
        known = {row.id for row, _ in rows}
        db.session.execute(
            text_("SELECT set_config('pg_trgm.strict_word_similarity_threshold', :near, true)"),
            {"near": NEAR_WORD},
            execution_options=ONLY_READS,
        )
        near = db.session.execute(_similar(asked, limit))
        rows += [(row, True) for row in near if row.id not in known]
    return _flag_same_names([hit(row, who=who, is_similar=is_similar) for row, is_similar in rows[:limit]])


def asked_for(text: str) -> SearchTerms:
    """`text` taken apart with this hospital's number prefix and day."""
    return terms(text, clock.today(), settings.value("patients.number_prefix"))


def _rank(asked: SearchTerms, some: Any, first: Select | None) -> ColumnElement[int]:
    """0 the number itself, 1 the whole phone, 2 one of `first`, 3 a whole name as typed, 4 the rest."""
    whens: list[Any] = []
    if asked.hospital_number is not None:
        whens.append((some.number == asked.hospital_number, 0))
    for run in (*asked.digit_runs, asked.also_digits or ""):
        phones = [phone for phone in written(run) if len(phone) >= FULL_PHONE]
        whens += [(some.search_digits.like(f"%{phone} %"), 1) for phone in phones]
    if first is not None:
        whens.append((some.id.in_(first), 2))
    if asked.words:
        whole = (some.search_names.like(f"% {like(part(word))} %", escape="\\") for word in asked.words)
        whens.append((and_(*whole), 3))
    return case(*whens, else_=literal(4)) if whens else literal(4)


SHOWN = (*WHO, Patient.phone, Patient.phone_is_checked, Patient.allergy_status)
_RANKED = (*SHOWN, Patient.sort_name, Patient.number, Patient.search_names, Patient.search_digits)


def _matching(asked: SearchTerms, limit: int, first: Select | None) -> Any:
    """Ranks a bounded number of matches, so that a short line costs no more than a long one."""
    fit = select(*_RANKED).where(Patient.status == "active", Sought.of(asked).fits())
    found = fit.limit(MOST_CANDIDATES)
    some = (fit.where(Patient.id.in_(first)).union(found) if first is not None else found).subquery("some").c
    shown = [some[column.key] for column in SHOWN]
    return select(*shown).order_by(_rank(asked, some, first), some.sort_name, some.id).limit(limit)


def _similar(asked: SearchTerms, limit: int) -> Any:
    """Names that sound or look like the words (pg_trgm's strict word similarity), nearest first."""
    words = [part(word) for word in asked.words]
    near = [func.strict_word_similarity(word, Patient.search_names) for word in words]
    resembles = [literal(word).op("<<%")(Patient.search_names) for word in words]
    return (
        select(*SHOWN)
        .where(Patient.status == "active", *resembles, *Sought.of(asked).digits())
        .order_by(sum(near, literal(0)).desc(), *BY_NAME)
        .limit(limit * 2)
    )


def hit(row: Any, *, who: Person, is_similar: bool = False) -> Hit:
    """A row of `SHOWN` as `who` sees it."""
    return Hit(
        *row[: len(WHO)],
        phone=shown_phone(row, who),
        allergy_words=ALLERGY_WORDS[row.allergy_status],
        is_similar=is_similar,
    )


def shown_phone(patient: Any, who: Person) -> str:
    """The phone as `who` may see it: grouped, or only its last three digits."""
    if not patient.phone:
        return ""
    if not who.may(Action.READ_CONTACT):
        return rules.masked(None, patient.phone)
    e164 = patient.phone if patient.phone_is_checked else None
    return rules.shown(e164, patient.phone, current_app.config["COUNTRY"])


def _flag_same_names(hits: list[Hit]) -> list[Hit]:
    names = Counter((fold(hit.family_name), fold(hit.given_name)) for hit in hits)
    for hit in hits:
        hit.same_name_count = names[fold(hit.family_name), fold(hit.given_name)] - 1
    return hits
