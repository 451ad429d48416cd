"""The lists of this desk as files."""

from __future__ import annotations

from hms.core.exports.columns import Column, ExportTable, Kind, day, find_by_id, instant
from hms.core.text.translation import N_, Sentence
from hms.patients.exports import patient_columns
from hms.staff.directory import display_names
from hms.staff.models import Department

from .enums import (
    COLOUR_LABELS,
    POINT_KIND_LABELS,
    POINT_STATUS_LABELS,
    PRIORITY_LABELS,
    STATUS_LABELS,
)
from .forms import WEEKDAYS
from .models import ServicePoint, VisitType


def _wait(minutes: dict[str, int] | None) -> Sentence | None:
    """About 35 min (20–55), and whether that is estimated from past days; nothing when it is not known."""
    if minutes is None:
        return None
    values = {name: minutes[name] for name in ("likely", "low", "high")}
    if minutes["is_from_past_days"]:
        return Sentence(N_("about %(likely)s min (%(low)s–%(high)s), estimated from past days"), **values)
    return Sentence(N_("about %(likely)s min (%(low)s–%(high)s)"), **values)


_DEPARTMENTS = find_by_id(Department.id, Department.name)
_DAY, _TIME = day("date", N_("Date")), Column("time", N_("Time"), Kind.TIME)
_DOCTOR = Column("doctor_name", N_("Doctor"))
_ENTRY_STATES = {"waiting": N_("Waiting"), "booked": N_("Booked"), "withdrawn": N_("Taken off")}
_IN_LINE = (
    Column("priority", N_("Priority"), words=PRIORITY_LABELS),
    Column("status", N_("Status"), words=POINT_STATUS_LABELS),
    instant("arrived_at", N_("Arrived")),
    instant("called_at", N_("Called")),
)
_WAIT = Column("expected_wait", N_("Expected wait"), read=_wait)
_HELD = (instant("held_at", N_("On hold since")), Column("hold_reason", N_("Reason of the hold")))

APPOINTMENTS = ExportTable(
    "appointments",
    N_("Appointments"),
    (
        _DAY,
        _TIME,
        Column("duration_minutes", N_("Minutes")),
        *patient_columns(),
        _DOCTOR,
        Column("visit_type_name", N_("Visit type")),
        Column("status", N_("Status"), words=STATUS_LABELS),
        Column("is_overbooked", N_("Overbooked")),
        Column("notes", N_("Reason for visit")),
        instant("created_at", N_("Booked on")),
    ),
)
UNCONFIRMED = ExportTable(
    "unconfirmed-appointments",
    N_("Unconfirmed appointments"),
    (_DAY, _TIME, *patient_columns(), _DOCTOR, Column("has_failed", N_("A message was not sent"))),
)
QUEUE = ExportTable(
    "queue",
    N_("Queue"),
    (
        Column("token", N_("Token")),
        *patient_columns(),
        _DOCTOR,
        *_IN_LINE,
        *_HELD,
        _WAIT,
    ),
)
POINT_QUEUE = ExportTable(
    "point-queue",
    N_("Lines of service points"),
    (
        Column("token", N_("Token")),
        Column("point_name", N_("Service point")),
        *patient_columns(),
        *_IN_LINE,
        instant("started_at", N_("Started")),
        instant("ended_at", N_("Ended")),
        *_HELD,
        _WAIT,
    ),
)
WAITING_LIST = ExportTable(
    "waiting-list",
    N_("Waiting list"),
    (
        *patient_columns(),
        Column("doctor", N_("Doctor"), names=display_names),
        Column("department", N_("Department"), names=_DEPARTMENTS),
        Column("visit_type", N_("Visit type"), names=find_by_id(VisitType.id, VisitType.name)),
        day("first_day", N_("First day")),
        day("last_day", N_("Last day")),
        Column("priority", N_("Priority"), words=PRIORITY_LABELS),
        Column("status", N_("Status"), words=_ENTRY_STATES),
        day("booked_on", N_("Has an appointment on")),
        Column("notes", N_("Notes")),
        Column("withdrawn_reason", N_("Taken off because")),
        instant("created_at", N_("Put on the list")),
    ),
)
ABSENCES = ExportTable(
    "absences",
    N_("Doctor away"),
    (
        _DOCTOR,
        instant("starts", N_("From")),
        instant("ends", N_("To")),
        Column("reason", N_("Reason")),
    ),
)
HOLIDAYS = ExportTable(
    "holidays",
    N_("Holidays"),
    (_DAY, Column("name", N_("Name")), Column("open_appointments", N_("Still booked"))),
)
VISIT_TYPES = ExportTable(
    "visit-types",
    N_("Visit types"),
    (
        Column("name", N_("Name")),
        Column("mark", N_("Mark")),
        Column("colour", N_("Colour"), words=COLOUR_LABELS),
        Column("duration_minutes", N_("Minutes")),
        Column("is_follow_up", N_("Follow-up")),
        Column("is_active", N_("Offered")),
    ),
)
SERVICE_POINTS = ExportTable(
    "service-points",
    N_("Service points"),
    (
        Column("name", N_("Name")),
        Column("code", N_("Code")),
        Column("kind", N_("Kind"), words=POINT_KIND_LABELS),
        Column("prefix", N_("Prefix of tokens")),
        Column("department", N_("Department"), names=_DEPARTMENTS),
        Column("is_active", N_("Open")),
    ),
)
WALL_SCREENS = ExportTable(
    "wall-screens",
    N_("Wall screens"),
    (
        Column("name", N_("Name")),
        Column("doctor", N_("Doctor"), names=display_names),
        Column("point", N_("Service point"), names=find_by_id(ServicePoint.id, ServicePoint.name)),
        Column("has_chime", N_("Chime")),
        Column("spoken", N_("Spoken languages")),
        instant("created_at", N_("Created")),
    ),
)
CLINIC_HOURS = ExportTable(
    "clinic-hours",
    N_("Clinic hours"),
    (
        _DOCTOR,
        Column("weekday", N_("Day"), words=dict(WEEKDAYS)),
        Column("starts", N_("From")),
        Column("ends", N_("To")),
        Column("slot_minutes", N_("Minutes per slot")),
        Column("capacity", N_("Patients at a time")),
        Column("overbooking", N_("Overbooking")),
        day("valid_from", N_("Valid from")),
        day("valid_to", N_("Valid to")),
    ),
)
