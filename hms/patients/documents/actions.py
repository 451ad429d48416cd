"""Stores documents and photos of patients, and marks them as entered in error."""

from __future__ import annotations

from datetime import date

from hms.core import clock
from hms.core.actions import action
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_reason
from hms.core.text.translation import N_
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.enums import DocumentCategory, DocumentStatus
from hms.patients.models import Patient, RecordDocument

from . import queries, rules
from .uploads import CheckedFile


@action(Permission.EDIT_PATIENT, "patients.add_document")
def add_document(
    patient_id: int, *, file: CheckedFile, category: str, title: str, dated_on: date | None = None, by: Person
) -> RecordDocument:
    """Store a document, which was checked before (`uploads.check_file`). Raises `RecordRestricted` for a record that is closed
    to `by`."""
    patient, kind, name = _lock(patient_id, by), rules.check_category(category), rules.clean_title(title)
    rules.check_day(dated_on, clock.today())
    return _add(patient, file, kind, name, dated_on, by)


@action(Permission.EDIT_PATIENT, "patients.set_photo")
def set_photo(patient_id: int, *, file: CheckedFile, by: Person) -> RecordDocument:
    """Store the photo of a patient (`uploads.check_photo`); the newest one is shown."""
    return _add(_lock(patient_id, by), file, DocumentCategory.PHOTO, "", None, by)


@action(Permission.EDIT_PATIENT, "patients.remove_photo")
def remove_photo(patient_id: int, *, reason: str, by: Person) -> None:
    """Mark the present photo as entered in error, with the reason; an earlier one is shown again. Raises `Conflict` without a
    photo."""
    _lock(patient_id, by)
    row = queries.get_photo(patient_id)
    if row is None:
        raise Conflict(N_("This patient has no photo."), code="no_photo")
    _end(row, reason, by)


@action(Permission.EDIT_PATIENT, "patients.document_in_error")
def mark_as_error(patient_id: int, document_id: int, *, reason: str, by: Person) -> RecordDocument:
    """Mark a document as entered in error, with the reason; it stays stored. Raises `NotFound` for one that `by` may not read."""
    _lock(patient_id, by)
    row = queries.get_document(patient_id, document_id, by)
    if row.status != DocumentStatus.KEPT:
        raise Conflict(N_("This document is already marked as entered in error."), code="in_error")
    _end(row, reason, by)
    return row


def _lock(patient_id: int, by: Person) -> Patient:
    patient = lookup.patient_for_update(patient_id)
    policy.check(patient, by)
    return patient


def _add(
    patient: Patient, file: CheckedFile, category: DocumentCategory, title: str, dated_on: date | None, by: Person
) -> RecordDocument:
    row = RecordDocument(
        patient_id=patient.id,
        category=category.value,
        title=title,
        dated_on=dated_on,
        mimetype=file.mimetype,
        size=len(file.content),
        digest=file.digest,
        content=file.content,
        scan=file.scan,
        added_by_id=by.id,
    )
    db.session.add(row)
    db.session.flush()
    return row


def _end(row: RecordDocument, reason: str, by: Person) -> None:
    row.reason, row.ended_by_id = clean_reason(reason, longest=rules.MAX_REASON_LENGTH), by.id
    set_status(row, DocumentStatus.ENTERED_IN_ERROR)
    db.session.flush()
