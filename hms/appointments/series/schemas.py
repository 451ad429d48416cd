"""JSON of recurring appointments: request bodies and responses."""

from __future__ import annotations

from marshmallow import fields, validate

from hms.appointments.enums import RepeatUnit
from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import ClockTime, Day, Pk, Text, WholeNumber

from .rules import MAX_EVERY, MAX_TIMES


class SeriesIn(ApiSchema):
    """How an appointment is repeated: every so many days or weeks, `times` in all with this one, or until a day. `seen` is the
    `seen` of a preview: nothing else than what it showed is booked."""

    every = WholeNumber(1, MAX_EVERY, required=True)
    unit = fields.String(required=True, validate=validate.OneOf(list(RepeatUnit)))
    times = WholeNumber(2, MAX_TIMES, allow_none=True)
    until = Day(allow_none=True)
    seen = Text(64, allow_none=True)


class OccurrenceOut(ApiSchema):
    """A date of a series; `clash` says why nothing is booked then, `holiday` is the name of the day."""

    date = fields.Date()
    time = fields.Time()
    clash = fields.String(allow_none=True)
    holiday = fields.String(allow_none=True)


class SeriesPlanOut(ApiSchema):
    seen = fields.String()
    dates = fields.List(fields.Nested(OccurrenceOut))


class SeriesOut(ApiSchema):
    """A new series with its new appointments, and the dates that were left out."""

    series = fields.Integer()
    booked = fields.List(fields.Integer())
    left = fields.List(fields.Nested(OccurrenceOut))


class FollowingIn(ApiSchema):
    """What becomes of an appointment of a series and all that follow: with `cancel` they are cancelled for the `reason`, else
    they move. `seen` is the `seen` of a preview."""

    cancel = fields.Boolean()
    reason = Text(120)
    date = Day()
    time = ClockTime()
    doctor = Pk(allow_none=True)
    seen = Text(64, allow_none=True)


class FollowingStepOut(ApiSchema):
    appointment = fields.Integer()
    date = fields.Date()
    time = fields.Time()
    to_date = fields.Date(allow_none=True)
    to_time = fields.Time(allow_none=True)
    clash = fields.String(allow_none=True)


class FollowingOut(ApiSchema):
    """What becomes, or became, of each appointment: `to_date` where it moves to, `clash` why it stays, neither: cancelled."""

    seen = fields.String()
    appointments = fields.List(fields.Nested(FollowingStepOut))
