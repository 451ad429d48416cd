"""JSON of documents."""

from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import Length

from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import Day, Text
from hms.patients.models import RecordDocument

from . import rules

MAX_BASE64 = 2 * 2**20


class DocumentIn(ApiSchema):
    """A PDF, JPEG or PNG file: `content` is its bytes in base64."""

    category = Text(20, required=True, blank=False)
    title = Text(rules.MAX_TITLE_LENGTH, required=True, blank=False)
    dated_on = Day(allow_none=True, load_default=None)
    content = fields.String(required=True, validate=Length(max=MAX_BASE64))


class PhotoIn(ApiSchema):
    """A JPEG or PNG picture: `content` is its bytes in base64."""

    content = fields.String(required=True, validate=Length(max=MAX_BASE64))


class DocumentErrorIn(ApiSchema):
    reason = Text(rules.MAX_REASON_LENGTH, required=True, blank=False)


class DocumentOut(ApiSchema):
    """`scan` is clean or not_scanned; `status` is kept or entered_in_error, then with a reason."""

    id = fields.Integer()
    patient = fields.Integer()
    category = fields.String()
    title = fields.String()
    dated_on = fields.Date(allow_none=True)
    mimetype = fields.String()
    size = fields.Integer()
    digest = fields.String()
    scan = fields.String()
    status = fields.String()
    reason = fields.String()
    added_by = fields.Integer(allow_none=True)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


def document_json(row: RecordDocument) -> dict[str, Any]:
    names = ("id", "category", "title", "dated_on", "mimetype", "size", "digest", "scan", "status", "reason")
    values = {name: getattr(row, name) for name in (*names, "created_at", "updated_at")}
    return values | {"patient": row.patient_id, "added_by": row.added_by_id}
