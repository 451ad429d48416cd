"""Forms: book, move, check in, clinic hours, blocked times."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, ClassVar

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, SelectField, SelectMultipleField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.text.dates import parse_upcoming_date
from hms.core.text.formatting import format_date as shown_day
from hms.core.text.numbers import parse_record_id
from hms.core.text.translation import N_
from hms.core.web.forms import ActionForm, InputPresent, ParsedField, RecordIdField, Required, Text, WholeField

from .absences.rules import Instruction, make_instruction, read_times
from .enums import (
    AWAY_CHOICE_LABELS,
    COLOUR_LABELS,
    POINT_KIND_LABELS,
    PRIORITY_LABELS,
    REPEAT_UNIT_LABELS,
    AwayChoice,
    Priority,
    RepeatUnit,
)
from .holidays.actions import MAX_NAME_LENGTH as MAX_HOLIDAY_NAME_LENGTH
from .models import ServicePoint, VisitType
from .points.actions import MAX_CODE_LENGTH, MAX_PREFIX_LENGTH
from .points.actions import MAX_NAME_LENGTH as MAX_POINT_NAME_LENGTH
from .queue.steps import MAX_REASON_LENGTH as MAX_HOLD_REASON_LENGTH
from .screens.actions import MAX_NAME_LENGTH as MAX_SCREEN_NAME_LENGTH
from .series.rules import Pattern
from .visit_types.actions import MAX_MARK_LENGTH, MAX_NAME_LENGTH
from .waiting_list.rules import MAX_NOTES_LENGTH as MAX_WAITING_NOTES_LENGTH
from .waiting_list.rules import MAX_REASON_LENGTH as MAX_WAITING_REASON_LENGTH

CLOCK_PATTERN = re.compile(r"([01]?[0-9]|2[0-3])[:.h ]?([0-5][0-9])", re.ASCII)
CANCEL_REASONS = (
    ("Patient asked", _l("Patient asked")),
    ("Doctor away", _l("Doctor away")),
    ("Booked by mistake", _l("Booked by mistake")),
    ("Patient in hospital", _l("Patient in hospital")),
    ("Other", _l("Other")),
)
WEEKDAYS = (
    (0, _l("Monday")),
    (1, _l("Tuesday")),
    (2, _l("Wednesday")),
    (3, _l("Thursday")),
    (4, _l("Friday")),
    (5, _l("Saturday")),
    (6, _l("Sunday")),
)


def parse_clock_time(text: str) -> dt.time:
    """The time of day in 09:30, 9.30, 0930 or 9h30; raises `RuleBroken` otherwise."""
    match = CLOCK_PATTERN.fullmatch(text.strip())
    if not match:
        raise RuleBroken(N_("Enter the time like 09:30."))
    return dt.time(int(match[1]), int(match[2]))


def parse_appointment_day(text: str) -> dt.date:
    """The day in 22/11/26, t (today), +3d or mon; raises `RuleBroken` otherwise."""
    return parse_upcoming_date(text, clock.today())


def _shown_time(at: dt.time) -> str:
    return at.strftime("%H:%M")


def day_field(label: Any, validators: Any = None) -> ParsedField:
    return ParsedField(label, validators, parse=parse_appointment_day, show=shown_day)


def time_field(label: Any, validators: Any = None) -> ParsedField:
    return ParsedField(label, validators, parse=parse_clock_time, show=_shown_time)


def _chosen_id(value: Any) -> int | None:
    return parse_record_id(str(value))


class Chosen:
    """Requires that one of the listed doctors is chosen."""

    field_flags: ClassVar[dict[str, bool]] = {"required": True}

    def __call__(self, form: Any, field: Any) -> None:
        """Raise `ValidationError` without a choice."""
        if field.data is None:
            raise ValidationError(_l("Choose a doctor."))


class SlotForm(ActionForm):
    """A doctor, a day, and one of the free times or a typed time."""

    doctor = SelectField(_l("Doctor"), [Chosen()], coerce=_chosen_id, validate_choice=False)
    date = day_field(_l("Date"), [InputPresent()])
    time = time_field(_l("Time"))
    other_time = time_field(_l("Another time"))

    def values(self) -> dict[str, Any]:
        return {"doctor_id": self.doctor.data, "date": self.date.data, "time": self.chosen_time}

    @property
    def chosen_time(self) -> dt.time | None:
        """The typed time, or the one picked from the list."""
        return self.other_time.data or self.time.data

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if self.chosen_time is None and not self.time.errors and not self.other_time.errors:
            self.time.errors = [*self.time.errors, _l("Choose a time.")]
            is_valid = False
        return is_valid


class MoveForm(SlotForm):
    """The new doctor and time of an appointment."""

    entered_together = (("doctor", "date", "time", "other_time"),)
    version = RecordIdField()

    def values(self) -> dict[str, Any]:
        return super().values() | {"version": self.version.data}

    @staticmethod
    def stored_values(booking: Any) -> dict[str, Any]:
        """The present doctor and time as the fields of this form."""
        return {"doctor": booking.doctor_id, "date": booking.date, "time": booking.time, "version": booking.version}


class BookForm(SlotForm):
    """A new appointment: patient, doctor, time and reason."""

    patient_text = Text(_l("Patient"), longest=120)
    patient = RecordIdField(_l("Patient"), [InputPresent()], widget=HiddenInput())
    visit_type = SelectField(_l("Visit type"), coerce=_chosen_id, validate_choice=False)
    overbook = BooleanField(_l("Overbook: all places of this time are taken"))
    notes = Text(_l("Reason for the visit"), longest=500)

    def values(self) -> dict[str, Any]:
        who = {"patient_id": self.patient.data, "visit_type_id": self.visit_type.data}
        return super().values() | who | {"notes": self.notes.data or "", "is_overbooked": self.overbook.data}


class PointQueueForm(ActionForm):
    """A place in the line of a service point: patient and priority."""

    patient_text = Text(_l("Patient"), longest=120)
    patient = RecordIdField(_l("Patient"), [InputPresent()], widget=HiddenInput())
    priority = SelectField(
        _l("Priority"),
        coerce=int,
        choices=[SelectChoice(priority.value, label) for priority, label in PRIORITY_LABELS.items()],
        default=Priority.STANDARD.value,
    )

    def values(self) -> dict[str, Any]:
        return {"patient_id": self.patient.data, "priority": self.priority.data}


class QueueForm(PointQueueForm):
    """A check-in: patient, doctor and priority."""

    doctor = SelectField(_l("Doctor"), coerce=lambda text: int(text) if text else None, validate_choice=False)

    def values(self) -> dict[str, Any]:
        return super().values() | {"doctor_id": self.doctor.data}


class HoldForm(ActionForm):
    """Why a patient is on hold."""

    reason = Text(_l("Reason"), [Required()], longest=MAX_HOLD_REASON_LENGTH)


class HoursForm(ActionForm):
    """Clinic hours of a doctor on a weekday."""

    doctor = SelectField(_l("Doctor"), [Chosen()], coerce=_chosen_id, validate_choice=False)
    weekday = SelectField(_l("Day"), coerce=int, choices=[SelectChoice(*weekday) for weekday in WEEKDAYS])
    starts = time_field(_l("From"), [Required()])
    ends = time_field(_l("To"), [Required()])
    slot_minutes = WholeField(_l("Minutes per slot"), [Required()], default=15)
    capacity = WholeField(_l("Patients at a time"), [Required()], default=1)
    overbooking = WholeField(_l("Overbooking"), [InputPresent()], default=0)
    valid_from = day_field(_l("Valid from"))
    valid_to = day_field(_l("Valid until"))

    def values(self) -> dict[str, Any]:
        values = super().values()
        return values | {"doctor_id": values.pop("doctor")}


class AwayForm(ActionForm):
    """What becomes of the appointments while a doctor is away; `seen` is the key of the plan that was shown."""

    bookings = RadioField(
        _l("Appointments of that time"),
        choices=[SelectChoice(choice.value, label) for choice, label in AWAY_CHOICE_LABELS.items()],
        validate_choice=False,
    )
    to_date = day_field(_l("New day"))
    to_doctor = SelectField(_l("New doctor"), coerce=_chosen_id, validate_choice=False)
    seen = Text("", longest=64)

    def values(self) -> dict[str, Any]:
        return {"instruction": self.instruction, "seen": self.seen.data or None}

    @property
    def instruction(self) -> Instruction | None:
        """What was chosen; None without a choice."""
        known = self.bookings.data if self.bookings.data in list(AwayChoice) else None
        return make_instruction(known, self.to_date.data, self.to_doctor.data)


class BlockForm(AwayForm):
    """A time in which a doctor is away: whole days, or from and to."""

    doctor = SelectField(_l("Doctor"), [Chosen()], coerce=_chosen_id, validate_choice=False)
    date = day_field(_l("Date"), [Required()])
    starts = time_field(_l("From"))
    until = day_field(_l("End date"))
    ends = time_field(_l("To"))
    reason = Text(_l("Reason"), longest=120)

    def values(self) -> dict[str, Any]:
        starts, ends = read_times(self.date.data, self.starts.data, self.until.data, self.ends.data)
        when = {"doctor_id": self.doctor.data, "starts": starts, "ends": ends, "reason": self.reason.data or ""}
        return super().values() | when


class SeriesForm(ActionForm):
    """How a booking is repeated; `seen` is the key of the dates that were shown."""

    every = WholeField(_l("Every"), [Required()], default=1)
    unit = SelectField(
        _l("Days or weeks"),
        choices=[SelectChoice(unit.value, label) for unit, label in REPEAT_UNIT_LABELS.items()],
        default=RepeatUnit.WEEKS.value,
    )
    times = WholeField(_l("How often in all"))
    until = day_field(_l("Or until"))
    seen = Text("", longest=64)

    @property
    def pattern(self) -> Pattern:
        """The dates that were asked for."""
        return Pattern(self.every.data, RepeatUnit(self.unit.data), self.times.data, self.until.data)

    def values(self) -> dict[str, Any]:
        return {"pattern": self.pattern, "seen": self.seen.data or None}


class FollowingForm(ActionForm):
    """The new day, time and doctor of a booking from which a series moves; `seen` is the key of the plan that was shown."""

    doctor = SelectField(_l("Doctor"), [Chosen()], coerce=_chosen_id, validate_choice=False)
    date = day_field(_l("New day of this appointment"), [Required()])
    time = time_field(_l("New time"), [Required()])
    seen = Text("", longest=64)

    def values(self) -> dict[str, Any]:
        when = {"date": self.date.data, "time": self.time.data, "doctor_id": self.doctor.data}
        return when | {"seen": self.seen.data or None}


class WaitingForm(ActionForm):
    """A patient who waits for a place with a doctor, in a department or for a type of visit."""

    patient_text = Text(_l("Patient"), longest=120)
    patient = RecordIdField(_l("Patient"), [InputPresent()], widget=HiddenInput())
    doctor = SelectField(_l("Doctor"), coerce=_chosen_id, validate_choice=False)
    department = SelectField(_l("Department"), coerce=_chosen_id, validate_choice=False)
    visit_type = SelectField(_l("Visit type"), coerce=_chosen_id, validate_choice=False)
    first_day = day_field(_l("From"), [Required()])
    last_day = day_field(_l("Until"), [Required()])
    priority = SelectField(
        _l("Priority"),
        coerce=int,
        choices=[SelectChoice(priority.value, label) for priority, label in PRIORITY_LABELS.items()],
        default=Priority.STANDARD.value,
    )
    notes = Text(_l("Reason for the visit"), longest=MAX_WAITING_NOTES_LENGTH)

    def values(self) -> dict[str, Any]:
        names = ("patient", "doctor", "department", "visit_type")
        days = {name: self[name].data for name in ("first_day", "last_day", "priority", "notes")}
        return {f"{name}_id": self[name].data for name in names} | days


class WithdrawForm(ActionForm):
    """Why an entry is taken off the waiting list."""

    reason = Text(_l("Reason"), [Required()], longest=MAX_WAITING_REASON_LENGTH)


class PlaceForm(ActionForm):
    """A free place, as its button sends it."""

    doctor = RecordIdField(_l("Doctor"), [InputPresent()])
    date = day_field(_l("Date"), [Required()])
    time = time_field(_l("Time"), [Required()])
    minutes = WholeField(_l("Length"))

    def values(self) -> dict[str, Any]:
        when = {"doctor_id": self.doctor.data, "date": self.date.data, "time": self.time.data}
        return when | {"duration_minutes": self.minutes.data}


class HolidayForm(ActionForm):
    """A day on which the hospital sees no booked patients."""

    date = day_field(_l("Date"), [Required()])
    name = Text(_l("Name of the holiday"), [Required()], longest=MAX_HOLIDAY_NAME_LENGTH)


class ScreenForm(ActionForm):
    """A new wall screen."""

    name = Text(_l("Name"), [Required()], longest=MAX_SCREEN_NAME_LENGTH)
    doctor_id = SelectField(_l("For"), coerce=_chosen_id)
    point_id = SelectField(_l("Or for the service point"), coerce=_chosen_id)
    has_chime = BooleanField(_l("Play a chime at each call"))
    spoken = SelectMultipleField(
        _l("Speak the numbers in"), widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )


VISIT_TYPE_FIELDS = ("name", "mark", "minutes", "colour", "is_follow_up", "version")


class VisitTypeForm(ActionForm):
    """A kind of visit with its length, mark and colour."""

    name = Text(_l("Name"), [Required()], longest=MAX_NAME_LENGTH)
    mark = Text(_l("Mark"), [Required()], longest=MAX_MARK_LENGTH)
    minutes = WholeField(_l("Length"), [Required()], default=15)
    colour = SelectField(
        _l("Colour"), choices=[SelectChoice(colour.value, label) for colour, label in COLOUR_LABELS.items()]
    )
    is_follow_up = BooleanField(_l("Follow-up: free within the days and visits of the settings"))
    version = RecordIdField()

    @staticmethod
    def stored_values(visit_type: VisitType) -> dict[str, Any]:
        """The visit type as the fields of this form."""
        return {name: getattr(visit_type, name) for name in VISIT_TYPE_FIELDS}


class PointForm(ActionForm):
    """A service point."""

    name = Text(_l("Name"), [Required()], longest=MAX_POINT_NAME_LENGTH)
    code = Text(_l("Code"), [Required()], longest=MAX_CODE_LENGTH)
    kind = SelectField(
        _l("Kind"),
        [Required()],
        choices=[
            SelectChoice("", _l("Choose")),
            *(SelectChoice(kind.value, label) for kind, label in POINT_KIND_LABELS.items()),
        ],
    )
    prefix = Text(_l("Letters of the token"), [Required()], longest=MAX_PREFIX_LENGTH)
    department_id = SelectField(_l("Department"), coerce=_chosen_id, validate_choice=False)
    version = RecordIdField()

    @staticmethod
    def stored_values(point: ServicePoint) -> dict[str, Any]:
        """The service point as the fields of this form."""
        return {name: getattr(point, name) for name in ("name", "code", "kind", "prefix", "department_id", "version")}
