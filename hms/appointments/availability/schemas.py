"""JSON of clinic hours and free times."""

from __future__ import annotations

from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import ClockTime, Day, Pk, WholeNumber

from .rules import MAX_CAPACITY, MAX_DURATION, MIN_DURATION


class ClinicHoursIn(ApiSchema):
    """New clinic hours of a doctor, in hospital time: on `weekday` (0 is Monday), from `valid_from` (else today) to `valid_to`
    (else for good). `capacity` patients may be booked at the same time, and `overbooking` more in these hours of a day."""

    doctor = Pk(required=True)
    weekday = WholeNumber(0, 6, required=True)
    starts = ClockTime(required=True)
    ends = ClockTime(required=True)
    slot_minutes = WholeNumber(MIN_DURATION, MAX_DURATION)
    capacity = WholeNumber(1, MAX_CAPACITY)
    overbooking = WholeNumber(0, MAX_CAPACITY)
    valid_from = Day(allow_none=True)
    valid_to = Day(allow_none=True)


class ClinicHoursOut(ApiSchema):
    id = fields.Integer()
    doctor = fields.Integer()
    doctor_name = fields.String()
    weekday = fields.Integer()
    starts = fields.Time()
    ends = fields.Time()
    slot_minutes = fields.Integer()
    capacity = fields.Integer()
    overbooking = fields.Integer()
    valid_from = fields.Date()
    valid_to = fields.Date(allow_none=True)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class SlotOut(ApiSchema):
    """A time that can be booked; `places` is how many patients it still has room for."""

    time = fields.Time()
    duration_minutes = fields.Integer()
    places = fields.Integer()


class NextSlotOut(ApiSchema):
    date = fields.Date()
    time = fields.Time()


class FreeSlotsOut(ApiSchema):
    """The free times of a doctor's day. Without any, `next_free` is the first one within four weeks; null: none. `holiday` is
    the name of the holiday that the day is."""

    doctor = fields.Integer()
    date = fields.Date()
    slots = fields.List(fields.Nested(SlotOut))
    holiday = fields.String(allow_none=True)
    next_free = fields.Nested(NextSlotOut, allow_none=True)
