"""The ICD-10 codes in the database: load them and search in them."""

from __future__ import annotations

from itertools import islice, product
from typing import NamedTuple

from rapidfuzz.distance import OSA
from sqlalchemy import ColumnElement, and_, case, func, insert, literal, or_, select, update

from hms.clinical.models import ICD10, DiagnosisCode
from hms.core.actions import action
from hms.core.db.session import db
from hms.core.db.word_search import set_similarity_threshold
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import escape_like

from . import icd10

MAX_ROWS = 10
MAX_WORDS = 8
MIN_MISSPELT_LETTERS = 5
MAX_SPELLINGS = 16
"""How many corrected readings of a text are looked up among the abbreviations."""
MIN_SIMILARITY = 0.25
"""Of pg_trgm, from 0 to 1: which words are compared letter by letter."""
SYSTEMS = {
    ICD10: "ICD-10",
    "http://snomed.info/sct": "SNOMED CT",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM",
    "http://hl7.org/fhir/sid/cvx": "CVX",
    "http://loinc.org": "LOINC",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
}


@action(Permission.MANAGE_FORMULARY, "clinical.load_codes")
def load_codes(*, by: Person) -> int:
    """Add and update codes from ICD-10 and the hospital's abbreviations; returns the number of added rows."""
    known = dict(db.session.execute(select(DiagnosisCode.code, DiagnosisCode.search_text)).all())
    new, changed = [], []
    for entry in icd10.codes():
        row = _row(entry)
        if entry.code not in known:
            new.append(row)
        elif known[entry.code] != entry.search_text:
            changed.append(row)
    if new:
        db.session.execute(insert(DiagnosisCode), new)
    if changed:
        db.session.execute(update(DiagnosisCode), changed)
    return len(new)


def _row(entry: icd10.Code) -> dict[str, object]:
    return {
        "code": entry.code,
        "title": entry.title,
        "chapter": entry.chapter,
        "is_leaf": entry.is_leaf,
        "synonyms": "; ".join(icd10.synonyms_by_code().get(entry.code, ())),
        "search_text": entry.search_text,
    }


class FoundCodes(NamedTuple):
    """The codes of a search. `is_similar`: no code has the typed words, these have words that are spelled almost so."""

    rows: list[DiagnosisCode]
    is_similar: bool = False


def find_codes(text: str) -> FoundCodes:
    """At most ten codes whose code, title or abbreviations contain words that begin like each typed word.

    Order: the code of an exact abbreviation, codes that begin with the text, most used here, those with the whole words,
    most specific. When there is none, codes with words that are spelled almost like that ("diabetis", "pnemonia"), in the
    order that the corrected words have.
    """
    typed = icd10.to_search_text(text)
    words = [word for word in typed.split() if word.strip(".")][:MAX_WORDS]
    if len(typed.replace(".", "")) < 2 or not words:
        return FoundCodes([])
    exact = _search([[word] for word in words])
    if exact:
        return FoundCodes(exact)
    set_similarity_threshold(MIN_SIMILARITY, of="word_similarity_threshold")
    return FoundCodes(_search([_spelled_like(word) for word in words]), is_similar=True)


def _search(words: list[list[str]]) -> list[DiagnosisCode]:
    """The codes with one of each list of words."""
    if not all(words):
        return []
    texts = [" ".join(each) for each in islice(product(*words), MAX_SPELLINGS)]
    known = icd10.code_by_synonym()
    search = DiagnosisCode.search_text
    conditions = [or_(*(_begins_like(word) for word in alternatives)) for alternatives in words]
    is_code = or_(*(search.like(f"{escape_like(text)}%", escape="\\") for text in texts))
    rank = case((DiagnosisCode.code.in_([known[text] for text in texts if text in known]), 0), (is_code, 1), else_=2)
    has_words = and_(*(or_(*(_has_word(word) for word in alternatives)) for alternatives in words))
    order = (
        *(rank, DiagnosisCode.use_count.desc(), has_words.desc()),
        *(DiagnosisCode.is_leaf.desc(), DiagnosisCode.code),
    )
    query = select(DiagnosisCode).where(*conditions).order_by(*order).limit(MAX_ROWS)
    return list(db.session.scalars(query))


def _begins_like(word: str) -> ColumnElement[bool]:
    search, start = DiagnosisCode.search_text, escape_like(word)
    return or_(search.like(f"{start}%", escape="\\"), search.like(f"% {start}%", escape="\\"))


def _has_word(word: str) -> ColumnElement[bool]:
    """Whether the word stands there whole: "pneumonia" and not only the microbe "pneumoniae"."""
    return func.concat(" ", DiagnosisCode.search_text).like(f"% {escape_like(word)} %", escape="\\")


def _spelled_like(word: str) -> list[str]:
    """The words of the list that are nearest to a misspelt one: with one wrong letter, else with two in a longer word. The
    word itself when it is short."""
    if len(word) < MIN_MISSPELT_LETTERS or not word.isalpha():
        return [word]
    search = DiagnosisCode.search_text
    words = select(func.unnest(func.string_to_array(search, " ")).label("word")).where(literal(word).op("<%")(search))
    some = words.subquery()
    alike = select(some.c.word).distinct().where(func.similarity(some.c.word, word) >= MIN_SIMILARITY)
    most = 2 if len(word) >= 6 else 1
    near = [(OSA.distance(word, other, score_cutoff=most), other) for other in db.session.scalars(alike)]
    nearest = min((distance for distance, _other in near), default=most + 1)
    return sorted(other for distance, other in near if distance == nearest <= most)


def get_code(text: str) -> DiagnosisCode | None:
    """The row of the ICD-10 code in `text` ("b509", "B50.9"); None when it is not a known code."""
    code = icd10.normalise_code(text)
    return db.session.get(DiagnosisCode, code) if code else None


def count_use(code: str) -> None:
    """Count one more use of a code; the search lists often used codes first."""
    more = {"use_count": DiagnosisCode.use_count + 1}
    db.session.execute(update(DiagnosisCode).where(DiagnosisCode.code == code).values(more))


def system_name(address: str) -> str:
    """The name of a code system ("SNOMED CT"); its URL when the name is unknown."""
    return SYSTEMS.get(address, address)
