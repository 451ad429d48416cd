"""JSON of appointments and the queue: request bodies, responses, and the fields that each role sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, pre_load, validate
from sqlalchemy import Row

from hms.core.api.blueprint import ApiSchema
from hms.core.text.formatting import spoken_name
from hms.core.web.fields import REQUIRED, ClockTime, Day, Pk, Text, WholeNumber

from .availability.rules import MAX_DURATION, MIN_DURATION
from .enums import Colour, Status
from .queue import queries
from .waits.rules import Minutes

FIELD_ALIASES = {
    "patient_id": "patient",
    "doctor_id": "doctor",
    "visit_type_id": "visit_type",
    "appointment_date": "date",
    "appointment_time": "time",
}


class StatusField(fields.String):
    """One of the seven statuses, spelt exactly as in `Status`."""

    default_error_messages = {**REQUIRED, "invalid": "Not a valid string."}

    def __init__(self, **kwargs: Any) -> None:
        message = '"{input}" is not a valid choice.'
        super().__init__(validate=validate.OneOf([status.value for status in Status], error=message), **kwargs)


class AppointmentFields(ApiSchema):
    """What a new appointment and a change of one have in common."""

    patient = Pk(required=True)
    doctor = Pk(required=True)
    date = Day(required=True)
    time = ClockTime(required=True)
    duration_minutes = WholeNumber(MIN_DURATION, MAX_DURATION)
    visit_type = Pk(allow_none=True)
    status = StatusField()
    notes = Text(500, multiline=True, allow_none=True)

    @pre_load
    def _rename_aliases(self, data: Any, **_kwargs: Any) -> Any:
        """Accept `patient_id`, `doctor_id`, `visit_type_id`, `appointment_date` and `appointment_time` too."""
        if not isinstance(data, dict):
            return data
        return {FIELD_ALIASES[name]: value for name, value in data.items() if name in FIELD_ALIASES} | {
            name: value for name, value in data.items() if name not in FIELD_ALIASES
        }


class AppointmentIn(AppointmentFields):
    """A new appointment. With `overbook` it may be beyond the places of its time, if the clinic hours allow one more."""

    overbook = fields.Boolean()


class AppointmentChange(AppointmentFields):
    """Changes to an appointment; fields left out stay as they are."""

    patient = Pk()
    doctor = Pk()
    date = Day()
    time = ClockTime()


class HolidayIn(ApiSchema):
    """A new holiday."""

    date = Day(required=True)
    name = Text(60, blank=False, required=True)


class HolidayOut(ApiSchema):
    id = fields.Integer()
    date = fields.Date()
    name = fields.String()
    open_appointments = fields.Integer()
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class CalendarDayOut(ApiSchema):
    """A day of the calendar; `away` are the doctors who are away at some time of it."""

    date = fields.Date()
    free = fields.Integer()
    booked = fields.Integer()
    holiday = fields.String(allow_none=True)
    away = fields.List(fields.Integer())


class VisitTypeIn(ApiSchema):
    """A new visit type. `mark`: one to three letters that stand for the name. `is_follow_up`: not charged again within the
    days and visits of the settings."""

    name = Text(40, blank=False, required=True)
    mark = Text(3, blank=False, required=True)
    colour = fields.String(required=True, validate=validate.OneOf(list(Colour)))
    duration_minutes = WholeNumber(MIN_DURATION, MAX_DURATION, required=True)
    is_follow_up = fields.Boolean()
    is_active = fields.Boolean()


class VisitTypeChange(VisitTypeIn):
    """Changes to a visit type; fields left out stay as they are."""

    name = Text(40, blank=False)
    mark = Text(3, blank=False)
    colour = fields.String(validate=validate.OneOf(list(Colour)))
    duration_minutes = WholeNumber(MIN_DURATION, MAX_DURATION)


class VisitTypeOut(ApiSchema):
    id = fields.Integer()
    name = fields.String()
    mark = fields.String()
    colour = fields.String()
    duration_minutes = fields.Integer()
    is_follow_up = fields.Boolean()
    is_active = fields.Boolean()
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class AppointmentOut(ApiSchema):
    id = fields.Integer()
    patient = fields.Integer()
    patient_name = fields.String()
    doctor = fields.Integer()
    doctor_name = fields.String()
    date = fields.Date()
    time = fields.Time()
    appointment_date = fields.Date()
    appointment_time = fields.Time()
    duration_minutes = fields.Integer()
    visit_type = fields.Integer(allow_none=True)
    visit_type_name = fields.String(allow_none=True)
    is_overbooked = fields.Boolean()
    series = fields.Integer(allow_none=True)
    status = fields.String()
    notes = fields.String()
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class UnconfirmedOut(ApiSchema):
    """An appointment of the next days about which the patient was not reached."""

    id = fields.Integer()
    patient = fields.Integer()
    patient_name = fields.String()
    doctor = fields.Integer()
    doctor_name = fields.String()
    date = fields.Date()
    time = fields.Time()
    has_failed = fields.Boolean()


class ScreenIn(ApiSchema):
    """A new wall screen. `spoken`: codes of languages, in the order of speaking; none: the screen does not speak."""

    name = Text(60, blank=False, required=True)
    doctor = Pk(allow_none=True)
    point = Pk(allow_none=True)
    has_chime = fields.Boolean()
    spoken = fields.List(Text(10), validate=validate.Length(max=10))


class ScreenOut(ApiSchema):
    id = fields.Integer()
    name = fields.String()
    doctor = fields.Integer(allow_none=True)
    point = fields.Integer(allow_none=True)
    has_chime = fields.Boolean()
    spoken = fields.List(fields.String())
    created_at = fields.DateTime()


class ScreenMadeOut(ScreenOut):
    """A new wall screen with its link, which is told only once."""

    link = fields.String()


class WaitOut(ApiSchema):
    """A wait in minutes from now: of ten patients one waits less than `low` and one longer than `high`. `is_from_past_days`:
    nobody was called today, so when it begins is estimated from the same weekday of the last weeks."""

    low = fields.Integer()
    likely = fields.Integer()
    high = fields.Integer()
    is_from_past_days = fields.Boolean()


class EntryOut(ApiSchema):
    id = fields.Integer()
    token = fields.Integer()
    patient = fields.Integer()
    patient_name = fields.String()
    doctor = fields.Integer(allow_none=True)
    doctor_name = fields.String(allow_none=True)
    appointment = fields.Integer(allow_none=True)
    priority = fields.Integer()
    status = fields.String()
    arrived_at = fields.DateTime()
    called_at = fields.DateTime(allow_none=True)
    held_at = fields.DateTime(allow_none=True)
    hold_reason = fields.String()
    can_undo = fields.Boolean()
    expected_wait = fields.Nested(WaitOut, allow_none=True)


def full_name(row: Any) -> str:
    """The name of a patient in the API: "Kadiatu Kamara"."""
    return spoken_name(row.family_name, row.given_name)


def appointment_json(row: Row, sees_all: bool) -> dict[str, Any]:
    """The JSON of an appointment. Without `sees_all` only patient, date, time and status; neither doctor nor reason."""
    day, time = row.date.isoformat(), row.time.isoformat("seconds")
    basic = {"id": row.id, "patient": row.patient_id, "date": day, "time": time, "status": row.status}
    if not sees_all:
        return basic
    return basic | {
        "appointment_date": day,
        "appointment_time": time,
        "patient_name": full_name(row),
        "doctor": row.doctor_id,
        "doctor_name": row.doctor_name,
        "duration_minutes": row.duration_minutes,
        "visit_type": row.visit_type_id,
        "visit_type_name": row.visit_type_name,
        "is_overbooked": row.is_overbooked,
        "series": row.series_id,
        "notes": row.notes,
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
    }


def entry_json(entry: queries.Entry, waits: Mapping[int, Minutes]) -> dict[str, Any]:
    """The JSON of an entry. `expected_wait` is null for one that is not in `waits`: called already, or not known yet."""
    wait = waits.get(entry.id)
    return {
        "id": entry.id,
        "token": entry.token,
        "patient": entry.patient_id,
        "patient_name": full_name(entry),
        "doctor": entry.doctor_id,
        "doctor_name": entry.doctor_name,
        "appointment": entry.appointment_id,
        "priority": entry.priority,
        "status": entry.status,
        "arrived_at": entry.arrived_at,
        "called_at": entry.called_at,
        "held_at": entry.held_at,
        "hold_reason": entry.hold_reason,
        "can_undo": entry.can_undo,
        "expected_wait": wait and wait._asdict(),
    }
