"""JSON of the waiting list: request bodies and responses."""

from __future__ import annotations

from marshmallow import fields

from hms.appointments.availability.rules import MAX_DURATION, MIN_DURATION
from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import ClockTime, Day, Pk, Text, WholeNumber

from .rules import MAX_NOTES_LENGTH, MAX_REASON_LENGTH


class WaitingIn(ApiSchema):
    """A patient who waits for a place with a doctor, in a department or for a type of visit: at least one of the three."""

    patient = Pk(required=True)
    doctor = Pk(allow_none=True)
    department = Pk(allow_none=True)
    visit_type = Pk(allow_none=True)
    first_day = Day(required=True)
    last_day = Day(required=True)
    priority = WholeNumber(1, 4)
    notes = Text(MAX_NOTES_LENGTH)


class WaitingOut(ApiSchema):
    """`status`: waiting, booked or withdrawn. `booked_on` is the day of an open appointment that is what the patient waits
    for, also of one that was made without the list."""

    id = fields.Integer()
    patient = fields.Integer()
    patient_name = fields.String()
    doctor = fields.Integer(allow_none=True)
    department = fields.Integer(allow_none=True)
    visit_type = fields.Integer(allow_none=True)
    first_day = fields.Date()
    last_day = fields.Date()
    priority = fields.Integer()
    notes = fields.String()
    status = fields.String()
    appointment = fields.Integer(allow_none=True)
    booked_on = fields.Date(allow_none=True)
    withdrawn_reason = fields.String()
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class WithdrawEntryIn(ApiSchema):
    reason = Text(MAX_REASON_LENGTH, blank=False, required=True)


class FreedPlaceIn(ApiSchema):
    """The place to book. Without `duration_minutes` it has the length of the visit type, or of the doctor's slot."""

    doctor = Pk(required=True)
    date = Day(required=True)
    time = ClockTime(required=True)
    duration_minutes = WholeNumber(MIN_DURATION, MAX_DURATION)


class FreedPlaceOut(ApiSchema):
    """A place that is free again, and those who wait for it."""

    doctor = fields.Integer()
    doctor_name = fields.String()
    date = fields.Date()
    time = fields.Time()
    duration_minutes = fields.Integer()
    waiting = fields.List(fields.Nested(WaitingOut))
