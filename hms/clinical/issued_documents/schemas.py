"""JSON of documents that are handed out."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import Text


class IssuedDocumentIn(ApiSchema):
    """A document to hand out. A referral letter has `addressee` and `body`, a sick note `from_on` and `until_on`."""

    kind = Text(20, required=True, blank=False)
    language = Text(10)
    addressee = Text(200)
    body = Text(5000, multiline=True)
    from_on = Text(40)
    until_on = Text(40)
    shows_diagnosis = fields.Boolean()


class IssuedDocumentOut(ApiSchema):
    """A document that was handed out. `status` is `final` or `entered_in_error`; `code` stands on the document."""

    id = fields.Integer()
    encounter = fields.Integer()
    kind = fields.String()
    code = fields.String()
    language = fields.String()
    addressee = fields.String()
    body = fields.String()
    from_on = fields.Date(allow_none=True)
    until_on = fields.Date(allow_none=True)
    shows_diagnosis = fields.Boolean()
    issued_by = fields.Integer()
    status = fields.String()
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


def issued_document_json(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "encounter": row.encounter_id,
        "kind": row.kind,
        "code": row.code,
        "language": row.language,
        "addressee": row.addressee,
        "body": row.body,
        "from_on": row.from_on,
        "until_on": row.until_on,
        "shows_diagnosis": row.shows_diagnosis,
        "issued_by": row.issued_by_id,
        "status": row.status,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
