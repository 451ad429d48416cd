"""JSON of requests and responses: escalations with their steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.text.formatting import spoken_name
from hms.core.web.fields import Text

from . import queries, rules
from .queries import ShownStep


class ReadBackIn(ApiSchema):
    """`read_back` is the recorded value as it was read: its number, with or without its unit, or its text."""

    read_back = Text(rules.MAX_READ_BACK, required=True)


class EscalationOut(ApiSchema):
    """Of a restricted record that is closed to the reader, `is_restricted` is true, and patient and value are empty."""

    id = fields.Integer()
    patient = fields.Integer(allow_none=True)
    patient_name = fields.String()
    is_restricted = fields.Boolean()
    cause = fields.String()
    subject = fields.String()
    value = fields.String()
    vitals = fields.Integer(allow_none=True)
    lab_result = fields.Integer(allow_none=True)
    encounter = fields.Integer(allow_none=True)
    doctor = fields.Integer(allow_none=True)
    status = fields.String()
    steps = fields.Integer()
    steps_done = fields.Integer()
    began_at = fields.DateTime()
    next_step_at = fields.DateTime(allow_none=True)
    ended_at = fields.DateTime(allow_none=True)
    acknowledged_by = fields.Integer(allow_none=True)
    acknowledged_at = fields.DateTime(allow_none=True)
    read_back = fields.String()
    replaced_by = fields.Integer(allow_none=True)


class StepOut(ApiSchema):
    position = fields.Integer()
    who = fields.String()
    channels = fields.String()
    minutes = fields.Integer()
    due_at = fields.DateTime()
    status = fields.String()
    done_at = fields.DateTime(allow_none=True)
    told = fields.List(fields.String())


class EscalationDetailOut(EscalationOut):
    history = fields.List(fields.Nested(StepOut))


def escalation_json(row: Any) -> dict[str, Any]:
    """A row of `queries.select_escalations`."""
    common = {
        "id": row.id,
        "is_restricted": not row.is_open,
        "cause": str(queries.cause_of(row)),
        "status": row.status,
        "steps": row.steps,
        "steps_done": row.steps_done,
        "began_at": row.began_at.isoformat(),
        "next_step_at": row.next_step_at and row.next_step_at.isoformat(),
        "ended_at": row.ended_at and row.ended_at.isoformat(),
        "acknowledged_by": row.acknowledged_by_id,
        "acknowledged_at": row.acknowledged_at and row.acknowledged_at.isoformat(),
        "replaced_by": row.replaced_by_id,
    }
    return common | (_content(row) if row.is_open else _CLOSED)


_CLOSED: dict[str, Any] = {
    **dict.fromkeys(("patient", "vitals", "lab_result", "encounter", "doctor")),
    **dict.fromkeys(("patient_name", "subject", "value", "read_back"), ""),
}


def _content(row: Any) -> dict[str, Any]:
    return {
        "patient": row.patient_id,
        "patient_name": spoken_name(row.family_name, row.given_name),
        "subject": row.subject,
        "value": row.value,
        "vitals": row.vitals_reading_id,
        "lab_result": row.lab_result_id,
        "encounter": row.encounter_id,
        "doctor": row.doctor_id,
        "read_back": row.read_back,
    }


def history_json(steps: Iterable[ShownStep]) -> list[dict[str, Any]]:
    """The steps of an escalation, with the names of those who were told."""
    return [
        {
            "position": step.position,
            "who": str(step.who),
            "channels": str(step.channels),
            "minutes": step.minutes,
            "due_at": step.due_at.isoformat(),
            "status": str(step.status),
            "done_at": step.done_at and step.done_at.isoformat(),
            "told": step.told,
        }
        for step in steps
    ]
