"""JSON: messages to patients."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import (
    DAYS,
    PAGING,
    Choice,
    Id,
    Ordering,
    TextLine,
    filter_by_columns,
    ordered,
    parameters,
)
from hms.messages.enums import Channel, MessageStatus
from hms.messages.models import OutgoingMessage
from hms.messages.outgoing import actions
from hms.patients.blueprints import api

from . import queries
from .schemas import TIMES, MessageOut, message_json

MESSAGES = parameters(
    **PAGING,
    **DAYS,
    patient=Id(),
    appointment=Id(),
    status=Choice(MessageStatus),
    kind=TextLine(60),
    channel=Choice(Channel),
    ordering=Ordering(("id", *TIMES)),
)


def _json(message: OutgoingMessage) -> dict[str, Any]:
    return message_json(message, sees_address=current_person().may(Permission.READ_CONTACT))


def _read_of_row(row: Any) -> tuple[str, read_log.PatientRead]:
    message = row.OutgoingMessage
    return "messages.read_list", read_log.PatientRead(message.patient_id, message.id)


@api.get("/messages/")
@requires(Permission.READ_MESSAGES)
@api.arguments(MESSAGES, location="query")
@api.response(200, MessageOut(many=True))
def messages(arguments: dict[str, Any]) -> Response:
    """Messages to patients, newest first. The days are those on which they were due."""
    names = ("status", "kind", "channel")
    columns = {name: getattr(OutgoingMessage, name) for name in names}
    columns |= {"patient": OutgoingMessage.patient_id, "appointment": OutgoingMessage.appointment_id}
    rows = queries.select_messages(current_person())
    rows = filter_by_columns(rows, arguments, on=OutgoingMessage.due_at, **columns)
    rows = ordered(rows, arguments, OutgoingMessage.id, **{name: getattr(OutgoingMessage, name) for name in TIMES})
    return read_log.list_response(rows, lambda row: _json(row.OutgoingMessage), _read_of_row, entity="outgoing_message")


@api.get("/messages/<int:message_id>/")
@requires(Permission.READ_MESSAGES)
@api.response(200, MessageOut)
def message(message_id: int) -> Response:
    """One message to a patient."""
    return _response(message_id)


def _response(message_id: int, status: int = 200) -> Response:
    row = queries.get_message(message_id, current_person()).OutgoingMessage
    read_log.record_read("messages.read", row.patient_id, entity="outgoing_message", entity_id=message_id)
    response = jsonify(_json(row))
    response.status_code = status
    return response


@api.post("/messages/<int:message_id>/send_again/")
@requires(Permission.SEND_MESSAGES)
@api.response(201, MessageOut)
def send_again(message_id: int) -> Response:
    """Send a message that ended once more; the new one is the answer. 409 when it would be wrong or waits already."""
    queries.get_message(message_id, current_person())
    newer = actions.send_again(message_id, by=current_person())
    return _response(newer.id, 201)
