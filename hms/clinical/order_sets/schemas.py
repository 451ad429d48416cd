"""JSON of order sets."""

from __future__ import annotations

from marshmallow import fields

from hms.clinical.schemas import PrescriptionOut
from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import Pk


class OrderSetOut(ApiSchema):
    """An order set; `lines` are medicines with their dose as typed, without a dose the usual one for the patient."""

    id = fields.Integer()
    shortcut = fields.String()
    title = fields.String()
    belongs_to = fields.String()
    lines = fields.List(fields.String())


class ApplyOrderSetIn(ApiSchema):
    order_set = Pk(required=True)


class NotAddedOut(ApiSchema):
    line = fields.String()
    reason = fields.String()


class ApplyOrderSetOut(ApiSchema):
    """The prescriptions that were added, and the lines that were not."""

    added = fields.List(fields.Nested(PrescriptionOut))
    not_added = fields.List(fields.Nested(NotAddedOut))
