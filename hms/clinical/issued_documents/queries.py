"""Reads of documents that were handed out."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from hms.clinical.encounters import queries as encounters
from hms.clinical.enums import EncounterStatus, EntryStatus
from hms.clinical.models import IssuedDocument
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients import lookup as patients
from hms.patients.access import policy
from hms.patients.models import Patient

MAX_DOCUMENTS = 100
NOT_THERE = N_("This document does not exist.")


def list_documents(encounter_id: int) -> Sequence[IssuedDocument]:
    """The documents of an encounter with who issued them, the newest first, at most `MAX_DOCUMENTS`."""
    query = _documents().where(IssuedDocument.encounter_id == encounter_id).order_by(IssuedDocument.id.desc())
    return db.session.scalars(query.limit(MAX_DOCUMENTS)).all()


def get_document(document_id: int, who: Person) -> IssuedDocument:
    """The document with who issued it. Raises `NotFound`, also when `who` may not know its patient."""
    document = db.session.scalars(_documents().where(IssuedDocument.id == document_id)).one_or_none()
    if document is None:
        raise NotFound(NOT_THERE)
    encounters.get_encounter(document.encounter_id, who)
    return document


def find_by_code(code: str, who: Person) -> tuple[IssuedDocument, Patient] | None:
    """The document with this code (as `rules.read_code` returns it) with its encounter, and its patient; None when there is
    none, or when `who` may not know the patient."""
    query = _documents().options(joinedload(IssuedDocument.encounter)).where(IssuedDocument.code == code)
    document = db.session.scalars(query).one_or_none()
    if document is None:
        return None
    try:
        patient = patients.patient(document.encounter.patient_id)
        policy.check(patient, who)
    except NotFound:
        return None
    return document, patient


def counts(document: IssuedDocument) -> bool:
    """Whether the document is right: neither it nor its encounter was entered in error."""
    return document.status == EntryStatus.FINAL and document.encounter.status == EncounterStatus.SIGNED


def _documents() -> Select[tuple[IssuedDocument]]:
    return select(IssuedDocument).options(joinedload(IssuedDocument.issued_by))
