"""JSON: the documents handed out after an encounter."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flask import Response

from hms.clinical.blueprints import api
from hms.clinical.encounters import queries as encounters
from hms.clinical.encounters import read_audit
from hms.clinical.enums import EntryStatus, IssuedKind
from hms.clinical.models import IssuedDocument
from hms.core.api.pagination import paginated_response
from hms.core.api.small_lists import filter_rows, order_rows
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Ordering, parameters

from . import actions, queries
from .schemas import IssuedDocumentIn, IssuedDocumentOut, issued_document_json

DOCUMENTS = parameters(
    **PAGING,
    **DAYS,
    kind=Choice(tuple(IssuedKind)),
    status=Choice(tuple(EntryStatus)),
    ordering=Ordering(("id", "created_at", "updated_at")),
)
ID, CREATED_AT = attrgetter("id"), attrgetter("created_at")


def _newest_first(document: IssuedDocument) -> tuple[int]:
    return (-document.id,)


@api.get("/encounters/<int:encounter_id>/issued_documents/")
@requires(Permission.OPEN_CHART)
@api.arguments(DOCUMENTS, location="query")
@api.response(200, IssuedDocumentOut(many=True))
def issued_documents(arguments: dict[str, Any], encounter_id: int) -> Response:
    """Prescriptions, letters, sick notes and summaries that were handed out after an encounter, newest first."""
    read_audit.record_read("encounter", encounters.get_encounter(encounter_id, current_person()))
    rows = filter_rows(
        queries.list_documents(encounter_id),
        arguments,
        on=CREATED_AT,
        kind=attrgetter("kind"),
        status=attrgetter("status"),
    )
    columns = {"id": ID, "created_at": CREATED_AT, "updated_at": attrgetter("updated_at")}
    return paginated_response(order_rows(rows, arguments, _newest_first, **columns), issued_document_json)


@api.post("/encounters/<int:encounter_id>/issued_documents/")
@requires(Permission.WRITE_ENCOUNTER)
@api.arguments(IssuedDocumentIn)
@api.response(201, IssuedDocumentOut)
def issue_document(payload: dict[str, Any], encounter_id: int) -> tuple[dict[str, Any], int]:
    """Issue a document of a signed encounter; 409 when it is not signed."""
    return issued_document_json(actions.issue_document(encounter_id, **payload, by=current_person())), 201


@api.get("/issued-documents/<int:issued_id>/")
@requires(Permission.OPEN_CHART)
@api.response(200, IssuedDocumentOut)
def issued_document(issued_id: int) -> dict[str, Any]:
    """A document that was handed out."""
    document = queries.get_document(issued_id, current_person())
    read_audit.record_read("encounter", encounters.get_encounter(document.encounter_id, current_person()))
    return issued_document_json(document)


@api.delete("/issued-documents/<int:issued_id>/")
@requires(Permission.WRITE_ENCOUNTER)
@api.response(204)
def withdraw_document(issued_id: int) -> None:
    """Say that a document was entered in error; it stays in the database, and its code says so."""
    actions.withdraw_document(issued_id, by=current_person())
