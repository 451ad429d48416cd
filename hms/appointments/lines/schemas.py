"""JSON of steps in lines and of places in the lines of service points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validates_schema

from hms.appointments.schemas import WaitOut, full_name
from hms.appointments.waits.rules import Minutes
from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import Pk, Text, WholeNumber

from .queries import PlaceAtPoint

COMMON_STEPS = {"call": (), "hold": ("reason",), "release": (), "skip": (), "finish": (), "leave": (), "undo": ()}


class StepIn(ApiSchema):
    """A step of a patient in a line. `hold` needs `reason`, `set_priority` needs `priority`; `send_on` needs a service
    `point` or a `doctor`."""

    steps: ClassVar[dict[str, tuple[str, ...]]] = COMMON_STEPS
    """The steps, each with the fields that it needs."""

    step = fields.String(required=True)
    reason = Text(100)
    priority = WholeNumber(1, 4)
    point = Pk()
    doctor = Pk()

    @validates_schema
    def _check_fields(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Refuse an unknown step, one without what it needs, and one with what it does not use."""
        name = data.get("step")
        if name is None:
            return
        if name not in self.steps and name != "send_on":
            raise ValidationError({"step": [f'"{name}" is not a valid choice.']})
        needed = self.steps.get(name, ("doctor",) if "doctor" in data else ("point",))
        missing = {field: ["This field is required."] for field in needed if field not in data}
        unused = {field: [f'Not used by "{name}".'] for field in data if field not in ("step", *needed)}
        if missing or unused:
            raise ValidationError(missing | unused)


class QueueStepIn(StepIn):
    """A step in the doctors' queue."""

    steps = COMMON_STEPS | {"set_priority": ("priority",), "come_back": ()}


class PointStepIn(StepIn):
    """A step at a service point."""

    steps = COMMON_STEPS | {"start": (), "absent": (), "come_back": ()}


class QueueIn(ApiSchema):
    """A check-in: for a `doctor`, or for any without one. An open booking of today is checked in."""

    patient = Pk(required=True)
    doctor = Pk(allow_none=True)
    priority = WholeNumber(1, 4)


class CallNextIn(ApiSchema):
    """Whose next patient to call: a doctor always calls for themselves."""

    doctor = Pk(allow_none=True)


class PlaceIn(ApiSchema):
    """A place in the line of a service point."""

    patient = Pk(required=True)
    point = Pk(required=True)
    priority = WholeNumber(1, 4)


class PlaceOut(ApiSchema):
    """A place in the line of a service point. `sent_from`: the place before, `visit`: the entry of the doctor's queue."""

    id = fields.Integer()
    token = fields.String()
    point = fields.Integer()
    point_name = fields.String()
    patient = fields.Integer()
    patient_name = fields.String()
    visit = fields.Integer(allow_none=True)
    sent_from = fields.Integer(allow_none=True)
    origin = fields.String(allow_none=True)
    priority = fields.Integer()
    status = fields.String()
    arrived_at = fields.DateTime()
    called_at = fields.DateTime(allow_none=True)
    call_count = fields.Integer()
    started_at = fields.DateTime(allow_none=True)
    ended_at = fields.DateTime(allow_none=True)
    held_at = fields.DateTime(allow_none=True)
    hold_reason = fields.String()
    can_undo = fields.Boolean()
    expected_wait = fields.Nested(WaitOut, allow_none=True)


class StopOut(ApiSchema):
    """A stop of a patient. `kind`: arrived, vitals, doctor or point."""

    kind = fields.String()
    at = fields.DateTime()
    until = fields.DateTime(allow_none=True)
    place = fields.String()
    token = fields.String()
    status = fields.String()


class JourneyOut(ApiSchema):
    patient = fields.Integer()
    date = fields.Date()
    stops = fields.List(fields.Nested(StopOut))


def place_json(place: PlaceAtPoint, waits: Mapping[int, Minutes]) -> dict[str, Any]:
    """The JSON of a place in the line of a service point. `expected_wait` is null for one that is not in `waits`: called
    already, or not known yet."""
    wait = waits.get(place.id)
    same = ("id", "token", "point_name", "origin", "priority", "status", "call_count", "hold_reason", "can_undo")
    times = ("arrived_at", "called_at", "started_at", "ended_at", "held_at")
    return {
        **{name: getattr(place, name) for name in (*same, *times)},
        "point": place.point_id,
        "patient": place.patient_id,
        "patient_name": full_name(place),
        "visit": place.queue_entry_id,
        "sent_from": place.sent_from_id,
        "expected_wait": wait and wait._asdict(),
    }
