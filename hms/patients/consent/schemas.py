"""JSON of consent."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import Day, Pk, Text
from hms.patients.models import Consent, ConsentKind, ConsentText

from . import rules


class ConsentKindIn(ApiSchema):
    name = Text(rules.MAX_NAME_LENGTH, required=True, blank=False)
    is_open = fields.Boolean(load_default=True)


class ConsentKindOut(ApiSchema):
    id = fields.Integer()
    name = fields.String()
    is_open = fields.Boolean()
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class ConsentTextIn(ApiSchema):
    """The next version of the text of a kind in a language: en, fr or pt."""

    kind = Pk(required=True)
    language = Text(10, required=True, blank=False)
    title = Text(rules.MAX_TITLE_LENGTH, required=True, blank=False)
    body = Text(rules.MAX_BODY_LENGTH, required=True, blank=False, multiline=True)


class ConsentTextOut(ApiSchema):
    """A version of a text; `number` counts the versions in its language. It never changes."""

    id = fields.Integer()
    kind = fields.Integer()
    language = fields.String()
    number = fields.Integer()
    title = fields.String()
    body = fields.String()
    written_by = fields.Integer(allow_none=True)
    created_at = fields.DateTime()


class ConsentIn(ApiSchema):
    """`decision` is given or refused; `decided_by` is patient or guardian, then with name and relation."""

    text = Pk(required=True)
    decision = Text(10, required=True, blank=False)
    decided_on = Day(required=True)
    decided_by = Text(10, load_default="patient")
    guardian_name = Text(rules.MAX_NAME_LENGTH, load_default="")
    guardian_relation = Text(20, load_default="")


class ConsentWithdrawalIn(ApiSchema):
    ended_on = Day(required=True)
    reason = Text(rules.MAX_REASON_LENGTH, required=True, blank=False)


class ConsentErrorIn(ApiSchema):
    reason = Text(rules.MAX_REASON_LENGTH, required=True, blank=False)


class ConsentOut(ApiSchema):
    """`status` is given, refused, withdrawn or entered_in_error."""

    id = fields.Integer()
    patient = fields.Integer()
    text = fields.Integer()
    status = fields.String()
    decided_on = fields.Date()
    decided_by = fields.String()
    guardian_name = fields.String()
    guardian_relation = fields.String()
    ended_on = fields.Date(allow_none=True)
    reason = fields.String()
    recorded_by = fields.Integer(allow_none=True)
    ended_by = fields.Integer(allow_none=True)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class ConsentFormIn(ApiSchema):
    text = Pk(required=True)


class ConsentFormOut(ApiSchema):
    """`is_ready`: whether the PDF can be fetched."""

    id = fields.Integer()
    patient = fields.Integer()
    text = fields.Integer()
    is_ready = fields.Boolean()


def kind_json(row: ConsentKind) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("id", "name", "is_open", "created_at", "updated_at")}


def text_json(row: ConsentText) -> dict[str, Any]:
    names = ("id", "language", "number", "title", "body", "created_at")
    return {name: getattr(row, name) for name in names} | {"kind": row.kind_id, "written_by": row.written_by_id}


def consent_json(row: Consent) -> dict[str, Any]:
    names = ("id", "status", "decided_on", "decided_by", "guardian_name", "guardian_relation", "ended_on", "reason")
    values = {name: getattr(row, name) for name in (*names, "created_at", "updated_at")}
    keys = {"patient": row.patient_id, "text": row.text_id}
    return values | keys | {"recorded_by": row.recorded_by_id, "ended_by": row.ended_by_id}
