"""JSON: the signed-in person's notifications."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from hms.core.api.blueprint import ApiBlueprint, ApiSchema
from hms.core.api.pagination import paginated_response
from hms.core.errors import RuleBroken
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Flag, Id, Ordering, TextLine, filter_by_columns, ordered, parameters
from hms.messages import exports

from . import actions, queries
from .models import Notification

api = ApiBlueprint("messages_api", __name__, description="A person's notifications")


class NotificationOut(ApiSchema):
    id = fields.Integer()
    user = fields.Integer()
    title = fields.String()
    message = fields.String()
    type = fields.String()
    is_read = fields.Boolean()
    created_at = fields.DateTime()
    related_object = fields.String()
    related_appointment = fields.Integer(allow_none=True)


class Done(ApiSchema):
    status = fields.String()


def notification_json(row: Notification) -> dict[str, Any]:
    return {
        "id": row.id,
        "user": row.user_id,
        "title": row.title,
        "message": row.message or row.title,
        "type": row.kind,
        "is_read": row.read_at is not None,
        "created_at": row.created_at,
        "related_object": row.url,
        "related_appointment": row.related_appointment_id,
    }


NOTIFICATIONS = parameters(
    **PAGING,
    **DAYS,
    user=Id(),
    type=TextLine(50),
    related_appointment=Id(),
    is_read=Flag(),
    unread=Flag(),
    ordering=Ordering(("id", "created_at")),
)


@api.get("/notifications/")
@requires(Permission.SIGNED_IN)
@api.arguments(NOTIFICATIONS, location="query")
@api.response(200, NotificationOut(many=True))
def notifications(arguments: dict[str, Any]) -> Response:
    """One's own notifications, newest first; `unread=true` is the same as `is_read=false`."""
    if "unread" in arguments and arguments.setdefault("is_read", not arguments["unread"]) == arguments["unread"]:
        raise RuleBroken(N_("“unread” and “is_read” contradict each other. Send one of them."), "unread")
    is_read = Notification.read_at.is_not(None)
    columns = {"related_appointment": Notification.related_appointment_id, "is_read": is_read}
    columns |= {"user": Notification.user_id, "type": Notification.kind}
    rows = filter_by_columns(
        queries.own_notifications(current_person().id), arguments, on=Notification.created_at, **columns
    )
    return paginated_response(
        ordered(rows, arguments, Notification.id, created_at=Notification.created_at), notification_json
    )


offer_export(api, notifications, exports.ALERTS, at="/notifications/export/")


@api.post("/notifications/<int:notification_id>/mark_read/")
@requires(Permission.SIGNED_IN)
@api.response(200, Done)
def mark_read(notification_id: int) -> dict[str, str]:
    """Mark one of one's own notifications as read."""
    actions.mark_read(notification_id, by=current_person())
    return {"status": "marked as read"}
