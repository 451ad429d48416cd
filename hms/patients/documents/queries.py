"""The documents of a patient that somebody may read, and the photo."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import defer

from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.enums import ADMINISTRATIVE_CATEGORIES, DocumentCategory, DocumentStatus
from hms.patients.models import RecordDocument


def reads_clinical(who: Person) -> bool:
    """Whether the role of `who` reads documents with clinical content; the access to the record is checked apart."""
    return who.may(Permission.OPEN_CHART)


def visible_to(who: Person) -> ColumnElement[bool]:
    """The condition of documents, without photos, whose category `who` may read."""
    if reads_clinical(who):
        return RecordDocument.category != DocumentCategory.PHOTO.value
    return RecordDocument.category.in_([str(category) for category in ADMINISTRATIVE_CATEGORIES])


def select_documents(patient_id: int, who: Person) -> Select:
    """The documents of a patient that `who` may read, without their content."""
    query = select(RecordDocument, RecordDocument.id).options(defer(RecordDocument.content, raiseload=True))
    return query.where(RecordDocument.patient_id == patient_id, visible_to(who))


def list_documents(patient_id: int, who: Person) -> list[RecordDocument]:
    """The documents, newest first; those that were entered in error at the end."""
    rows = db.session.scalars(select_documents(patient_id, who).order_by(RecordDocument.id.desc())).all()
    return sorted(rows, key=lambda row: row.status != DocumentStatus.KEPT)


def get_document(patient_id: int, document_id: int, who: Person, *, with_content: bool = False) -> RecordDocument:
    """A document of this patient; raises `NotFound`, also for one that `who` may not read."""
    query = select_documents(patient_id, who).where(RecordDocument.id == document_id)
    if with_content:
        query = select(RecordDocument).where(
            RecordDocument.patient_id == patient_id, RecordDocument.id == document_id, visible_to(who)
        )
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise NotFound(N_("This document does not exist."))
    return row


def get_photo(patient_id: int) -> RecordDocument | None:
    """The present photo of a patient; None without one."""
    return db.session.scalars(_select_photo(RecordDocument, patient_id)).one_or_none()


def photo_id(patient_id: int) -> int | None:
    """The id of the present photo; None without one."""
    return db.session.scalars(_select_photo(RecordDocument.id, patient_id)).one_or_none()


def _select_photo(what: Any, patient_id: int) -> Select:
    photos = select(what).where(
        RecordDocument.patient_id == patient_id,
        RecordDocument.category == DocumentCategory.PHOTO.value,
        RecordDocument.status == DocumentStatus.KEPT.value,
    )
    return photos.order_by(RecordDocument.id.desc()).limit(1)
