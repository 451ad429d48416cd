"""JSON: messages to patients and staff."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import Response, jsonify

from hms.core.api import read_log
from hms.core.api.blueprint import ApiBlueprint
from hms.core.api.preconditions import if_match, resource_response
from hms.core.exports.registry import offer_export
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
from hms.messages.preferences import queries as preferences
from hms.patients import exports, lookup
from hms.patients.access import policy

from . import actions as actions_of_patient
from . import queries
from .schemas import TIMES, MessageOut, PreferenceIn, PreferenceOut, message_json

api = ApiBlueprint("patient_messages_api", __name__, description="Messages to patients")
MESSAGES = parameters(
    **PAGING,
    **DAYS,
    patient=Id(),
    user=Id(),
    appointment=Id(),
    status=Choice(MessageStatus),
    kind=TextLine(60),
    channel=Choice(Channel),
    ordering=Ordering(("id", *TIMES)),
)


def _json(message: OutgoingMessage) -> dict[str, Any]:
    return message_json(message, sees_address=current_person().may(Permission.READ_CONTACT))


def _read_of_row(row: Any) -> tuple[str, *tuple[read_log.PatientRead, ...]]:
    message = row.OutgoingMessage
    patients = () if message.patient_id is None else (read_log.PatientRead(message.patient_id, message.id),)
    return "messages.read_list", *patients


@api.get("/messages/")
@requires(Permission.READ_MESSAGES)
@api.arguments(MESSAGES, location="query")
@api.response(200, MessageOut(many=True))
def messages(arguments: dict[str, Any]) -> Response:
    """Messages to patients, newest first; who manages the settings also gets those to the staff. The days are those on which
    they were due."""
    names = ("status", "kind", "channel")
    columns = {name: getattr(OutgoingMessage, name) for name in names}
    columns |= {name: getattr(OutgoingMessage, f"{name}_id") for name in ("patient", "user", "appointment")}
    rows = queries.select_messages(current_person())
    rows = filter_by_columns(rows, arguments, on=OutgoingMessage.due_at, **columns)
    rows = ordered(rows, arguments, OutgoingMessage.id, **{name: getattr(OutgoingMessage, name) for name in TIMES})
    return read_log.list_response(rows, lambda row: _json(row.OutgoingMessage), _read_of_row, entity="outgoing_message")


offer_export(api, messages, exports.MESSAGES, at="/messages/export/")


@api.get("/messages/<int:message_id>/")
@requires(Permission.READ_MESSAGES)
@api.response(200, MessageOut)
def message(message_id: int) -> Response:
    """One message."""
    return _response(message_id)


def _response(message_id: int, status: int = 200) -> Response:
    row = queries.get_message(message_id, current_person()).OutgoingMessage
    if row.patient_id is not None:
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


def _preference(patient_id: int) -> SimpleNamespace:
    """What the patient said; version 0 while nobody asked."""
    said = preferences.get_preference(patient_id)
    values = {name: getattr(said, name) for name in preferences.ANSWERS}
    return SimpleNamespace(version=said.version, values=values | {"patient": patient_id})


def _preference_response(patient_id: int) -> Response:
    row = _preference(patient_id)
    read_log.record_read("patients.read", patient_id, entity="patient", entity_id=patient_id)
    return resource_response(row.values, row.version)


@api.get("/patients/<int:patient_id>/message_preferences/")
@requires(Permission.EDIT_PATIENT)
@api.response(200, PreferenceOut)
def message_preferences(patient_id: int) -> Response:
    """Which messages the patient wants: for each channel agreed, refused, or blank while nobody asked."""
    policy.check_team(lookup.patient(patient_id), current_person())
    return _preference_response(patient_id)


@api.put("/patients/<int:patient_id>/message_preferences/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(PreferenceIn)
@api.response(200, PreferenceOut)
def set_message_preferences(payload: dict[str, Any], patient_id: int) -> Response:
    """Record what the patient wants; what is left out becomes "not asked" and "as recorded"."""
    policy.check_team(lookup.patient(patient_id), current_person())
    with if_match(lambda: _preference(patient_id), lambda row: row.values) as version:
        values = {"sms": "", "email": "", "language": ""} | payload
        actions_of_patient.set_preference(patient_id, **values, version=version, by=current_person())
    return _preference_response(patient_id)
