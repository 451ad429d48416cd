"""JSON of absences: request bodies and responses."""

from __future__ import annotations

from marshmallow import fields, validate

from hms.appointments.enums import AwayChoice
from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import ClockTime, Day, Pk, Text


class AwayIn(ApiSchema):
    """What becomes of the appointments while a doctor is away: they move to another day (`to_date`) or another doctor
    (`to_doctor`), or are cancelled. `seen` is the key of a preview: nothing else than what it showed is done."""

    bookings = fields.String(validate=validate.OneOf(list(AwayChoice)))
    to_date = Day(allow_none=True)
    to_doctor = Pk(allow_none=True)
    seen = Text(64, allow_none=True)


class AbsenceIn(AwayIn):
    """A time in which a doctor is away, in hospital time: from `starts` (else the morning) of `date` to `ends` (else the end) of
    `until` (else the same day)."""

    doctor = Pk(required=True)
    date = Day(required=True)
    starts = ClockTime(allow_none=True)
    until = Day(allow_none=True)
    ends = ClockTime(allow_none=True)
    reason = Text(120)


class SettleIn(AwayIn):
    bookings = fields.String(required=True, validate=validate.OneOf(list(AwayChoice)))


class StayOut(ApiSchema):
    appointment = fields.Integer()
    reason = fields.String()


class AbsenceOut(ApiSchema):
    id = fields.Integer()
    doctor = fields.Integer()
    doctor_name = fields.String()
    starts = fields.DateTime()
    ends = fields.DateTime()
    reason = fields.String()
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class AbsenceRecordedOut(AbsenceOut):
    """An absence, and what was done with the appointments of its time; `left` are those that stay, with the reason."""

    moved = fields.Integer()
    cancelled = fields.Integer()
    left = fields.List(fields.Nested(StayOut))


class AwayStepOut(ApiSchema):
    """An appointment in the time of an absence: where it would move to, that it would be cancelled, or why it stays. `channel`
    is how the patient would be told; null: not at all."""

    appointment = fields.Integer()
    patient = fields.Integer()
    patient_name = fields.String()
    date = fields.Date()
    time = fields.Time()
    status = fields.String()
    to_date = fields.Date(allow_none=True)
    to_time = fields.Time(allow_none=True)
    is_cancelled = fields.Boolean()
    stays = fields.String(allow_none=True)
    channel = fields.String(allow_none=True)


class AwayPlanOut(ApiSchema):
    """What would become of the appointments. `seen`: send it with the request that does it."""

    seen = fields.String()
    moved = fields.Integer()
    cancelled = fields.Integer()
    appointments = fields.List(fields.Nested(AwayStepOut))
