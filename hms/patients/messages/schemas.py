"""JSON of messages to patients and staff."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import Text
from hms.messages.models import OutgoingMessage


class MessageOut(ApiSchema):
    id = fields.Integer()
    patient = fields.Integer(allow_none=True)
    user = fields.Integer(allow_none=True)
    appointment = fields.Integer(allow_none=True)
    kind = fields.String()
    channel = fields.String()
    language = fields.String()
    status = fields.String()
    address = fields.String()
    subject = fields.String()
    body = fields.String()
    attempts = fields.Integer()
    gateway_words = fields.String()
    again_of = fields.Integer(allow_none=True)
    created_at = fields.DateTime()
    due_at = fields.DateTime()
    sent_at = fields.DateTime(allow_none=True)
    delivered_at = fields.DateTime(allow_none=True)


TIMES = ("created_at", "due_at", "sent_at", "delivered_at")
_SAME = ("id", "kind", "channel", "language", "status", "address", "subject", "body", "attempts", "gateway_words")


def message_json(message: OutgoingMessage, *, sees_address: bool) -> dict[str, Any]:
    """The JSON of a message; its address is blank for those who may not see phones and e-mail addresses."""
    about = {name: getattr(message, f"{name}_id") for name in ("patient", "user", "appointment", "again_of")}
    return (
        {name: getattr(message, name) for name in (*_SAME, *TIMES)} | about | ({} if sees_address else {"address": ""})
    )


class PreferenceIn(ApiSchema):
    sms = Text(10)
    email = Text(10)
    language = Text(10)


class PreferenceOut(ApiSchema):
    patient = fields.Integer()
    sms = fields.String()
    email = fields.String()
    language = fields.String()
