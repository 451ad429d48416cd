"""Statuses and priorities of bookings and the queue, with their labels."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from flask_babel import lazy_gettext as _l

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_


class Status(StrEnum):
    """Status of a booking, as the API writes it."""

    SCHEDULED = "scheduled"
    CHECKED_IN = "checked_in"
    IN_SERVICE = "in_service"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    RESCHEDULED = "rescheduled"


STATUS_LABELS = {
    Status.SCHEDULED: _l("Booked"),
    Status.CHECKED_IN: _l("Arrived"),
    Status.IN_SERVICE: _l("With doctor"),
    Status.COMPLETED: _l("Seen"),
    Status.CANCELLED: _l("Cancelled"),
    Status.NO_SHOW: _l("Did not come"),
    Status.RESCHEDULED: _l("Moved"),
}
STATUS_TRANSITIONS = {
    Status.SCHEDULED: frozenset(Status) - {Status.SCHEDULED},
    Status.CHECKED_IN: frozenset(Status) - {Status.CHECKED_IN, Status.RESCHEDULED},
    Status.IN_SERVICE: frozenset({Status.COMPLETED, Status.CHECKED_IN}),
    Status.CANCELLED: frozenset({Status.SCHEDULED}),
    Status.NO_SHOW: frozenset({Status.SCHEDULED, Status.CHECKED_IN}),
    Status.COMPLETED: frozenset(),
    Status.RESCHEDULED: frozenset(),
}
"""The statuses that may follow each one. Backward changes undo a mistake; completed and moved bookings are final."""
OCCUPYING_STATUSES = frozenset({Status.SCHEDULED, Status.CHECKED_IN, Status.IN_SERVICE})


def parse_status(text: str, field: str = "status") -> Status:
    """The status for any usual spelling ("Scheduled", "checked-in", "no show"); raises `RuleBroken` when unknown."""
    word = "_".join(text.casefold().replace("-", " ").replace("_", " ").split())
    try:
        return Status("cancelled" if word == "canceled" else word)
    except ValueError:
        raise RuleBroken(N_("Choose a valid appointment status."), field) from None


class Colour(StrEnum):
    """The colours of visit types. A colour never stands alone: the mark of the type is beside it."""

    BLUE = "blue"
    TEAL = "teal"
    GREEN = "green"
    OLIVE = "olive"
    ORANGE = "orange"
    RED = "red"
    PINK = "pink"
    VIOLET = "violet"


COLOUR_LABELS = {
    Colour.BLUE: _l("Blue"),
    Colour.TEAL: _l("Teal"),
    Colour.GREEN: _l("Green"),
    Colour.OLIVE: _l("Olive"),
    Colour.ORANGE: _l("Orange"),
    Colour.RED: _l("Red"),
    Colour.PINK: _l("Pink"),
    Colour.VIOLET: _l("Violet"),
}


class AwayChoice(StrEnum):
    """What becomes of the bookings of a doctor who is away, as the API writes it."""

    MOVE_DAY = "move_day"
    MOVE_DOCTOR = "move_doctor"
    CANCEL = "cancel"


AWAY_CHOICE_LABELS = {
    AwayChoice.MOVE_DAY: _l("Move to another day, same doctor"),
    AwayChoice.MOVE_DOCTOR: _l("Move to another doctor, same day"),
    AwayChoice.CANCEL: _l("Cancel all"),
}


class StayReason(StrEnum):
    """Why a booking stays although its doctor is away."""

    NO_PLACE = "no_place"
    HERE = "here"
    NOT_IN_USE = "not_in_use"


STAY_LABELS = {
    StayReason.NO_PLACE: _l("no free place"),
    StayReason.HERE: _l("the patient has come"),
    StayReason.NOT_IN_USE: _l("died, or record not in use"),
}


class Clash(StrEnum):
    """Why a booking does not fit at a time."""

    HOLIDAY = "holiday"
    PAST = "past"
    TOO_FAR = "too_far"
    CLOCK_CHANGE = "clock_change"
    AWAY = "away"
    NO_CLINIC = "no_clinic"
    DOCTOR_BOOKED = "doctor_booked"
    PATIENT_BOOKED = "patient_booked"


CLASH_LABELS = {
    Clash.HOLIDAY: _l("holiday"),
    Clash.PAST: _l("the time is past"),
    Clash.TOO_FAR: _l("more than two years ahead"),
    Clash.CLOCK_CHANGE: _l("the clocks are changed then"),
    Clash.AWAY: _l("the doctor is away"),
    Clash.NO_CLINIC: _l("no clinic hours then"),
    Clash.DOCTOR_BOOKED: _l("no free place"),
    Clash.PATIENT_BOOKED: _l("the patient has another appointment"),
}


class RepeatUnit(StrEnum):
    """The unit of the time between the bookings of a series, as the API writes it."""

    DAYS = "days"
    WEEKS = "weeks"


REPEAT_UNIT_LABELS = {RepeatUnit.DAYS: _l("days"), RepeatUnit.WEEKS: _l("weeks")}


class Priority(IntEnum):
    """Urgency in the queue; lower numbers are called first."""

    EMERGENCY = 1
    URGENT = 2
    STANDARD = 3
    LOW = 4


PRIORITY_LABELS = {
    Priority.EMERGENCY: _l("Emergency"),
    Priority.URGENT: _l("Urgent"),
    Priority.STANDARD: _l("Standard"),
    Priority.LOW: _l("Low"),
}


class QueueStatus(StrEnum):
    WAITING = "waiting"
    CALLED = "called"
    IN_SERVICE = "in_service"
    DONE = "done"
    LEFT = "left"
    CANCELLED = "cancelled"


QUEUE_STATUS_LABELS = {
    QueueStatus.WAITING: _l("Waiting"),
    QueueStatus.CALLED: _l("Called"),
    QueueStatus.IN_SERVICE: _l("With staff"),
    QueueStatus.DONE: _l("Done"),
    QueueStatus.LEFT: _l("Left without being seen"),
    QueueStatus.CANCELLED: _l("Removed"),
}
IN_QUEUE_STATUSES = frozenset({QueueStatus.WAITING, QueueStatus.CALLED, QueueStatus.IN_SERVICE})
_DEPARTURES = frozenset({QueueStatus.LEFT, QueueStatus.CANCELLED})
QUEUE_TRANSITIONS = {
    QueueStatus.WAITING: frozenset({QueueStatus.CALLED, QueueStatus.IN_SERVICE, QueueStatus.DONE}) | _DEPARTURES,
    QueueStatus.CALLED: frozenset({QueueStatus.WAITING, QueueStatus.IN_SERVICE, QueueStatus.DONE}) | _DEPARTURES,
    QueueStatus.IN_SERVICE: frozenset({QueueStatus.WAITING, QueueStatus.DONE, QueueStatus.LEFT}),
    QueueStatus.DONE: frozenset({QueueStatus.IN_SERVICE}),
    QueueStatus.LEFT: frozenset({QueueStatus.WAITING, QueueStatus.CANCELLED}),
    QueueStatus.CANCELLED: frozenset[QueueStatus](),
}
"""The statuses that may follow each one. Back to waiting: an undo, a patient who came back, or one sent to another doctor.
A removed entry is final; the patient gets a new one."""


class PointStatus(StrEnum):
    """The statuses of a place at a service point: those of the queue, and one for who was called and did not come."""

    WAITING = QueueStatus.WAITING.value
    CALLED = QueueStatus.CALLED.value
    ABSENT = "absent"
    IN_SERVICE = QueueStatus.IN_SERVICE.value
    DONE = QueueStatus.DONE.value
    LEFT = QueueStatus.LEFT.value
    CANCELLED = QueueStatus.CANCELLED.value


POINT_STATUS_LABELS = {PointStatus(status): label for status, label in QUEUE_STATUS_LABELS.items()} | {
    PointStatus.ABSENT: _l("Did not come when called")
}
POINT_TRANSITIONS: dict[str, frozenset[str]] = {
    **{PointStatus(status): following for status, following in QUEUE_TRANSITIONS.items()},
    PointStatus.CALLED: QUEUE_TRANSITIONS[QueueStatus.CALLED] | {PointStatus.ABSENT},
    PointStatus.ABSENT: frozenset({PointStatus.WAITING, PointStatus.LEFT, PointStatus.CANCELLED}),
}
"""The statuses that may follow each one. Who did not come when called may come back, and may be found to have left."""


def parse_priority(value: object, field: str = "priority") -> Priority:
    """The priority for its number ("2", 2) or its word ("urgent"); raises `RuleBroken` when unknown."""
    word = str(value).strip()
    try:
        return Priority(int(word)) if word.isascii() and word.isdecimal() else Priority[word.upper()]
    except (ValueError, KeyError):
        raise RuleBroken(N_("Choose Emergency, Urgent, Standard or Low."), field) from None


class PointKind(StrEnum):
    """What a service point is. A doctor needs none: each has a line of their own."""

    TRIAGE = "triage"
    ROOM = "room"
    LABORATORY = "laboratory"
    PHARMACY = "pharmacy"
    CASH_DESK = "cash_desk"
    OTHER = "other"


POINT_KIND_LABELS = {
    PointKind.TRIAGE: _l("Triage"),
    PointKind.ROOM: _l("Room"),
    PointKind.LABORATORY: _l("Laboratory"),
    PointKind.PHARMACY: _l("Pharmacy"),
    PointKind.CASH_DESK: _l("Cash desk"),
    PointKind.OTHER: _l("Other"),
}
