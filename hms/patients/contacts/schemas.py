"""JSON of further phones and of the next of kin."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import Pk, Text
from hms.patients.models import OtherPhone, Relative

from . import queries, rules


class PhoneIn(ApiSchema):
    """`owner` is own, relative, neighbour, work or other."""

    number = Text(rules.MAX_NUMBER_LENGTH, required=True, blank=False)
    owner = Text(20, load_default="own")
    label = Text(rules.MAX_LABEL_LENGTH, load_default="")


class PhoneOut(ApiSchema):
    """`is_checked`: whether it is a valid number of its country, in the form of E.164."""

    id = fields.Integer()
    patient = fields.Integer()
    number = fields.String()
    is_checked = fields.Boolean()
    owner = fields.String()
    label = fields.String()
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class RelativeIn(ApiSchema):
    """`relation` is mother, father, spouse, child, sibling, grandparent, guardian, relative, friend or other; `record` is the id
    of the relative's own record."""

    name = Text(rules.MAX_NAME_LENGTH, required=True, blank=False)
    relation = Text(20, required=True, blank=False)
    phone = Text(rules.MAX_NUMBER_LENGTH, load_default="")
    record = Pk(allow_none=True, load_default=None)


class RelativeOut(ApiSchema):
    """`record` is null when the relative has no record that is in use."""

    id = fields.Integer()
    patient = fields.Integer()
    name = fields.String()
    relation = fields.String()
    phone = fields.String()
    phone_is_checked = fields.Boolean()
    record = fields.Integer(allow_none=True)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


def phone_json(row: OtherPhone) -> dict[str, Any]:
    names = ("id", "number", "is_checked", "owner", "label", "created_at", "updated_at")
    return {name: getattr(row, name) for name in names} | {"patient": row.patient_id}


def relative_json(row: Relative) -> dict[str, Any]:
    names = ("id", "name", "relation", "phone", "phone_is_checked", "created_at", "updated_at")
    record = queries.record_of(row)
    values = {name: getattr(row, name) for name in names}
    return values | {"patient": row.patient_id, "record": record.id if record else None}
