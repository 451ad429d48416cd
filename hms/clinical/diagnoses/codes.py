"""The ICD-10 codes in the database: load them and search in them."""

from __future__ import annotations

from sqlalchemy import case, insert, or_, select, update

from hms.clinical.models import ICD10, DiagnosisCode
from hms.core.actions import action
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import escape_like

from . import icd10

MAX_ROWS = 10
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


def find_codes(text: str) -> list[DiagnosisCode]:
    """At most ten codes whose code, title or abbreviations contain words that begin like each typed word.

    Order: the code of an exact abbreviation, codes that begin with the text, most used here, most specific.
    """
    typed = icd10.to_search_text(text)
    words = [word for word in typed.split() if word.strip(".")][:8]
    if len(typed.replace(".", "")) < 2 or not words:
        return []
    exact_code = icd10.code_by_synonym().get(typed, "")
    search = DiagnosisCode.search_text
    conditions = [
        or_(search.like(f"{escape_like(word)}%", escape="\\"), search.like(f"% {escape_like(word)}%", escape="\\"))
        for word in words
    ]
    is_code = search.like(f"{escape_like(typed)}%", escape="\\")
    rank = case((DiagnosisCode.code == exact_code, 0), (is_code, 1), else_=2)
    order = (rank, DiagnosisCode.use_count.desc(), DiagnosisCode.is_leaf.desc(), DiagnosisCode.code)
    query = select(DiagnosisCode).where(*conditions).order_by(*order).limit(MAX_ROWS)
    return list(db.session.scalars(query))


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
