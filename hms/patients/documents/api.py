"""JSON: documents and the photo of a patient."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from flask import Response

from hms.core.api import read_log
from hms.core.api.preconditions import resource_response
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Ordering, filter_by_columns, ordered, parameters
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.blueprints import api
from hms.patients.enums import DocumentCategory, DocumentStatus
from hms.patients.models import RecordDocument

from . import actions, queries, uploads
from .responses import file_response
from .schemas import DocumentErrorIn, DocumentIn, DocumentOut, PhotoIn, document_json

TIMES = ("created_at", "updated_at")
DOCUMENTS = parameters(
    **PAGING,
    **DAYS,
    category=Choice(DocumentCategory),
    status=Choice(DocumentStatus),
    ordering=Ordering(("id", "dated_on", "title", *TIMES)),
)


def _check(patient_id: int) -> None:
    policy.check(lookup.patient(patient_id), current_person())


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RuleBroken(N_("This is not base64."), "content") from error


def _answer(row: RecordDocument, status: int = 200) -> Response:
    read_log.record_read("patients.read_documents", row.patient_id, entity="record_document", entity_id=row.id)
    return resource_response(document_json(row), 1, status)


@api.get("/patients/<int:patient_id>/documents/")
@requires(Permission.EDIT_PATIENT, Permission.OPEN_CHART)
@api.arguments(DOCUMENTS, location="query")
@api.response(200, DocumentOut(many=True))
def documents(arguments: dict[str, Any], patient_id: int) -> Response:
    """The documents of a patient, without their content; clinical categories for those who may read charts. Filters: category,
    status, and date, date_from, date_to (days of the upload)."""
    _check(patient_id)
    rows = queries.select_documents(patient_id, current_person())
    columns = {name: getattr(RecordDocument, name) for name in ("category", "status")}
    query = filter_by_columns(rows, arguments, on=RecordDocument.created_at, **columns)
    sortable = {name: getattr(RecordDocument, name) for name in ("dated_on", "title", *TIMES)}
    read_log.record_read("patients.read_documents", patient_id, entity="patient", entity_id=patient_id)
    return read_log.list_response(
        ordered(query, arguments, RecordDocument.id, **sortable),
        lambda row: document_json(row.RecordDocument),
        lambda row: ("patients.read_documents", read_log.PatientRead(patient_id, row.id)),
        entity="record_document",
    )


@api.post("/patients/<int:patient_id>/documents/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(DocumentIn)
@api.response(201, DocumentOut)
def add_document(payload: dict[str, Any], patient_id: int) -> Response:
    """Add a document. The type is that of its content, whatever else is said; the virus scanner may refuse it."""
    _check(patient_id)
    file = uploads.check_file(_decoded(payload.pop("content")), "content")
    return _answer(actions.add_document(patient_id, file=file, **payload, by=current_person()), 201)


@api.get("/patients/<int:patient_id>/documents/<int:document_id>/")
@requires(Permission.EDIT_PATIENT, Permission.OPEN_CHART)
@api.response(200, DocumentOut)
def document(patient_id: int, document_id: int) -> Response:
    """One document, without its content."""
    _check(patient_id)
    return _answer(queries.get_document(patient_id, document_id, current_person()))


@api.get("/patients/<int:patient_id>/documents/<int:document_id>/file/")
@requires(Permission.EDIT_PATIENT, Permission.OPEN_CHART)
@api.response(200)
def document_content(patient_id: int, document_id: int) -> Response:
    """The file of a document."""
    _check(patient_id)
    row = queries.get_document(patient_id, document_id, current_person(), with_content=True)
    read_log.record_read("patients.read_documents", patient_id, entity="record_document", entity_id=row.id)
    return file_response(row, is_download=True)


@api.post("/patients/<int:patient_id>/documents/<int:document_id>/error/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(DocumentErrorIn)
@api.response(200, DocumentOut)
def document_in_error(payload: dict[str, Any], patient_id: int, document_id: int) -> Response:
    """Mark a document as entered in error; it stays stored."""
    return _answer(actions.mark_as_error(patient_id, document_id, **payload, by=current_person()))


@api.get("/patients/<int:patient_id>/photo/")
@requires(Permission.FIND_PATIENT)
@api.response(200)
def photo(patient_id: int) -> Response:
    """The present photo of a patient, a JPEG; 404 without one."""
    _check(patient_id)
    row = queries.get_photo(patient_id)
    read_log.record_read("patients.read", patient_id, entity="patient", entity_id=patient_id)
    if row is None:
        raise NotFound(N_("This patient has no photo."))
    return file_response(row)


@api.put("/patients/<int:patient_id>/photo/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(PhotoIn)
@api.response(200, DocumentOut)
def set_photo(payload: dict[str, Any], patient_id: int) -> Response:
    """Set the photo of a patient. It is made smaller, and the data of the camera are left out."""
    _check(patient_id)
    file = uploads.check_photo(_decoded(payload["content"]), "content")
    return _answer(actions.set_photo(patient_id, file=file, by=current_person()))


@api.post("/patients/<int:patient_id>/photo/error/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(DocumentErrorIn)
@api.response(204)
def remove_photo(payload: dict[str, Any], patient_id: int) -> tuple[str, int]:
    """Mark the present photo as entered in error; an earlier one is shown again."""
    actions.remove_photo(patient_id, reason=payload["reason"], by=current_person())
    return "", 204
