"""JSON: a test message over a channel."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from hms.core.api.blueprint import ApiBlueprint, ApiSchema
from hms.core.permissions import Permission
from hms.core.web.fields import Text
from hms.core.web.guard import current_person, requires
from hms.core.web.rate_limits import limiter

from . import actions

api = ApiBlueprint("message_channels_api", __name__, description="Channels of messages to patients")


class TestMessageIn(ApiSchema):
    channel = Text(10, blank=False, required=True)
    address = Text(254, blank=False, required=True)


class TestMessageOut(ApiSchema):
    outcome = fields.String()
    gateway_words = fields.String()


@api.post("/messages/test/")
@requires(Permission.MANAGE_SETTINGS)
@limiter.limit("10/minute")
@api.arguments(TestMessageIn)
@api.response(200, TestMessageOut)
def send_test(payload: dict[str, Any]) -> dict[str, str]:
    """Send a test message at once. `outcome` is sent, refused, failed or unknown, with the gateway's own words."""
    result = actions.send_test(**payload, by=current_person())
    return {"outcome": result.outcome.value, "gateway_words": result.words}
