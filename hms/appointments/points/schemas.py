"""JSON of service points."""

from __future__ import annotations

from marshmallow import fields, validate

from hms.appointments.enums import PointKind
from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import Pk, Text


class PointIn(ApiSchema):
    """A new service point. `prefix`: one to three letters before the numbers of its tokens."""

    name = Text(60, blank=False, required=True)
    code = Text(12, blank=False, required=True)
    kind = fields.String(required=True, validate=validate.OneOf(list(PointKind)))
    prefix = Text(3, blank=False, required=True)
    department = Pk(allow_none=True)


class PointChange(PointIn):
    """Changes to a service point; fields left out stay as they are."""

    name = Text(60, blank=False)
    code = Text(12, blank=False)
    kind = fields.String(validate=validate.OneOf(list(PointKind)))
    prefix = Text(3, blank=False)
    is_active = fields.Boolean()


class PointOut(ApiSchema):
    id = fields.Integer()
    name = fields.String()
    code = fields.String()
    kind = fields.String()
    prefix = fields.String()
    department = fields.Integer(allow_none=True)
    is_active = fields.Boolean()
    created_at = fields.DateTime()
    updated_at = fields.DateTime()
