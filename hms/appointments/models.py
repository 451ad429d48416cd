"""Clinic hours, bookings and the queue. `date` and `time` are hospital time; datetimes are UTC."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, Integer, Text, UniqueConstraint, false, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hms.core.db.models import Record, UnauditedRecord, VersionedRecord
from hms.core.text.translation import N_
from hms.patients.models import Patient
from hms.staff.models import Department, User

from .enums import POINT_TRANSITIONS, QUEUE_TRANSITIONS, STATUS_TRANSITIONS, Colour, PointKind

OCCUPIES_TIME = "status IN ('scheduled', 'checked_in', 'in_service')"
INTERVAL = 'tsrange(date + "time", date + "time" + duration_minutes * interval \'1 minute\')'
FREED = "status IN ('cancelled', 'rescheduled')"
IN_QUEUE = "status IN ('waiting', 'called', 'in_service')"


class WorkingHours(Record):
    """Clinic hours of a doctor on a weekday (0 is Monday), in hospital time, valid from and to included days.

    `capacity` patients may be booked at the same time, and `overbooking` more in all of these hours on one day.
    """

    __tablename__ = "working_hours"
    __table_args__ = (
        CheckConstraint(
            "ends > starts",
            name="ends_after_start",
            info={"message": N_("The end must be after the start."), "field": "ends"},
        ),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_known"),
        CheckConstraint("slot_minutes BETWEEN 5 AND 480", name="slot_possible"),
        CheckConstraint("capacity BETWEEN 1 AND 50", name="capacity_possible"),
        CheckConstraint("overbooking BETWEEN 0 AND 50", name="overbooking_possible"),
        Index("ix_working_hours_doctor", "doctor_id", "weekday"),
    )

    doctor_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    weekday: Mapped[int]
    starts: Mapped[dt.time]
    ends: Mapped[dt.time]
    slot_minutes: Mapped[int] = mapped_column(default=15)
    capacity: Mapped[int] = mapped_column(default=1)
    overbooking: Mapped[int] = mapped_column(default=0)
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date | None]


class Absence(Record):
    """A time without patients (leave, ward round)."""

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint(
            "ends > starts",
            name="ends_after_start",
            info={"message": N_("The end must be after the start."), "field": "ends"},
        ),
        Index("ix_absence_doctor", "doctor_id", "starts"),
    )

    doctor_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    starts: Mapped[dt.datetime]
    ends: Mapped[dt.datetime]
    reason: Mapped[str] = mapped_column(default="")


class Holiday(Record):
    """A day on which the hospital sees no booked patients."""

    __tablename__ = "holiday"
    __table_args__ = (
        UniqueConstraint(
            "day",
            name="uq_holiday_day",
            info={"message": N_("This day is already a holiday."), "field": "date", "code": "already_holiday"},
        ),
        CheckConstraint("btrim(name) <> ''", name="name_given"),
    )

    day: Mapped[dt.date]
    name: Mapped[str]


class VisitType(VersionedRecord):
    """A kind of visit, e.g. first visit or follow-up. `mark` says it in few letters where there is no room for the name.

    A visit that is a follow-up is not charged within the days and visits that the hospital's settings give.
    """

    __tablename__ = "visit_type"
    __table_args__ = (
        Index(
            "uq_visit_type_name",
            text("lower(name COLLATE pg_c_utf8)"),
            unique=True,
            info={"message": N_("There is already a visit type with this name."), "field": "name"},
        ),
        Index(
            "uq_visit_type_mark",
            text("lower(mark COLLATE pg_c_utf8)"),
            unique=True,
            info={"message": N_("Another visit type has this mark. Enter other letters."), "field": "mark"},
        ),
        CheckConstraint("btrim(name) <> '' AND btrim(mark) <> ''", name="words_given"),
        CheckConstraint("minutes BETWEEN 5 AND 480", name="length_possible"),
        CheckConstraint(f"colour IN ({', '.join(repr(colour.value) for colour in Colour)})", name="colour_known"),
    )

    name: Mapped[str]
    mark: Mapped[str]
    colour: Mapped[str]
    minutes: Mapped[int]
    is_follow_up: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_active: Mapped[bool] = mapped_column(default=True)


class AppointmentSeries(Record):
    """What bookings that were made together have in common: one every so many days or weeks."""

    __tablename__ = "appointment_series"
    __table_args__ = (
        CheckConstraint("every BETWEEN 1 AND 365", name="every_possible"),
        CheckConstraint("unit IN ('days', 'weeks')", name="unit_known"),
    )

    every: Mapped[int]
    unit: Mapped[str]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))


class Appointment(VersionedRecord):
    """A booked time. A moved booking keeps its id; `rescheduled_from_id` is a row with the old time.

    A trigger gives an open booking a `place` among the patients that the doctor may see at that time, and takes the mark
    `is_overbooked` away when there is a place within the capacity.
    `status_before` is the status before the booking was withdrawn; `missed_at` is when the clock marked it as a no-show.
    """

    __tablename__ = "appointment"
    transitions = STATUS_TRANSITIONS
    __table_args__ = (
        CheckConstraint(
            "duration_minutes BETWEEN 5 AND 480",
            name="duration_possible",
            info={"message": N_("Enter a duration from 5 to 480 minutes."), "field": "duration_minutes"},
        ),
        CheckConstraint(
            "status IN ('scheduled', 'checked_in', 'in_service', 'completed', 'cancelled', 'no_show', 'rescheduled')",
            name="status_known",
        ),
        ExcludeConstraint(
            ("doctor_id", "="),
            ("place", "="),
            (text(INTERVAL), "&&"),
            name="one_patient_at_a_time",
            using="gist",
            where=text(OCCUPIES_TIME),
            info={
                "message": N_("The doctor already has an appointment at that time. Choose another time."),
                "field": "time",
                "code": "doctor_booked",
            },
        ),
        ExcludeConstraint(
            ("patient_id", "="),
            (text(INTERVAL), "&&"),
            name="one_place_at_a_time",
            using="gist",
            where=text(OCCUPIES_TIME),
            info={
                "message": N_("The patient already has an appointment at that time. Choose another time."),
                "field": "time",
                "code": "patient_booked",
            },
        ),
        Index("ix_appointment_day", "date", "time", "id"),
        Index("ix_appointment_doctor_day", "doctor_id", "date", "time"),
        Index("ix_appointment_patient", "patient_id", "date"),
        Index("ix_appointment_freed", "date", "time", postgresql_where=text(FREED)),
        Index("ix_appointment_series", "series_id", postgresql_where=text("series_id IS NOT NULL")),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    doctor_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    date: Mapped[dt.date]
    time: Mapped[dt.time]
    duration_minutes: Mapped[int] = mapped_column(default=15)
    place: Mapped[int] = mapped_column(server_default="1")
    is_overbooked: Mapped[bool] = mapped_column(default=False, server_default=false())
    visit_type_id: Mapped[int | None] = mapped_column(ForeignKey("visit_type.id", ondelete="RESTRICT"))
    status: Mapped[str] = mapped_column(default="scheduled")
    notes: Mapped[str] = mapped_column(default="")
    booked_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    rescheduled_from_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id", ondelete="RESTRICT"))
    status_reason: Mapped[str] = mapped_column(default="")
    withdrawn_at: Mapped[dt.datetime | None]
    missed_at: Mapped[dt.datetime | None]
    confirmed_at: Mapped[dt.datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    series_id: Mapped[int | None] = mapped_column(ForeignKey("appointment_series.id", ondelete="RESTRICT"))
    status_before: Mapped[str] = mapped_column(default="", server_default="")

    patient: Mapped[Patient] = relationship(lazy="raise")
    doctor: Mapped[User] = relationship(foreign_keys=doctor_id, lazy="raise")


class LinePlace:
    """A place in a line. `held_at`: the patient waits, but is not called until then; `hold_reason` says why.

    `line_priority` and `line_at` are the place after a skip, instead of the priority and the arrival. `last_step` holds the
    last step and the values before it, so that it can be undone; None when there is nothing to undo.
    """

    held_at: Mapped[dt.datetime | None]
    hold_reason: Mapped[str] = mapped_column(default="", server_default="")
    line_priority: Mapped[int | None]
    line_at: Mapped[dt.datetime | None]
    last_step: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class QueueEntry(LinePlace, VersionedRecord):
    """A patient in the queue of `service_date`, with the token number of that day."""

    __tablename__ = "queue_entry"
    transitions = QUEUE_TRANSITIONS
    __table_args__ = (
        CheckConstraint(
            "status IN ('waiting', 'called', 'in_service', 'done', 'left', 'cancelled')", name="status_known"
        ),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority_known"),
        Index("uq_queue_entry_token", "service_date", "token", unique=True),
        Index(
            "uq_queue_entry_patient",
            "service_date",
            "patient_id",
            unique=True,
            postgresql_where=text(IN_QUEUE),
            info={
                "message": N_("This patient is already in the queue."),
                "field": "patient_id",
                "code": "already_queued",
            },
        ),
        Index("ix_queue_entry_board", "service_date", "priority", "arrived_at", postgresql_where=text(IN_QUEUE)),
        Index("ix_queue_entry_patient", "patient_id"),
        Index(
            "uq_queue_entry_appointment", "appointment_id", unique=True, postgresql_where=text("status <> 'cancelled'")
        ),
    )

    service_date: Mapped[dt.date]
    token: Mapped[int]
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id", ondelete="RESTRICT"))
    doctor_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    priority: Mapped[int] = mapped_column(default=3)
    status: Mapped[str] = mapped_column(default="waiting")
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    arrived_at: Mapped[dt.datetime]
    called_at: Mapped[dt.datetime | None]
    called_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    started_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]

    patient: Mapped[Patient] = relationship(lazy="raise")
    doctor: Mapped[User | None] = relationship(foreign_keys=doctor_id, lazy="raise")
    appointment: Mapped[Appointment | None] = relationship(lazy="raise")


class WaitingListEntry(VersionedRecord):
    """A patient who waits for a place with a doctor, in a department or for a type of visit, on a day from `first_day` to
    `last_day`. It ends with a booking (`appointment_id`), or is withdrawn with a reason."""

    __tablename__ = "waiting_list_entry"
    __table_args__ = (
        CheckConstraint("num_nonnulls(doctor_id, department_id, visit_type_id) > 0", name="wanted"),
        CheckConstraint(
            "last_day >= first_day",
            name="days_in_order",
            info={"message": N_("The last day must not be before the first."), "field": "last_day"},
        ),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority_known"),
        CheckConstraint("appointment_id IS NULL OR withdrawn_at IS NULL", name="ended_once"),
        CheckConstraint("withdrawn_at IS NULL OR btrim(withdrawn_reason) <> ''", name="reason_given"),
        UniqueConstraint("appointment_id"),
        Index(
            "ix_waiting_list_entry_open",
            "priority",
            "id",
            postgresql_where=text("appointment_id IS NULL AND withdrawn_at IS NULL"),
        ),
        Index("ix_waiting_list_entry_patient", "patient_id", "id"),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    doctor_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="RESTRICT"))
    visit_type_id: Mapped[int | None] = mapped_column(ForeignKey("visit_type.id", ondelete="RESTRICT"))
    first_day: Mapped[dt.date]
    last_day: Mapped[dt.date]
    priority: Mapped[int] = mapped_column(default=3)
    notes: Mapped[str] = mapped_column(default="")
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id", ondelete="RESTRICT"))
    withdrawn_at: Mapped[dt.datetime | None]
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    withdrawn_reason: Mapped[str] = mapped_column(default="")


def calling_order(entry: Any) -> tuple[Any, ...]:
    """The columns of the order in which those who wait in a line are called: the most urgent first, then who came first. Who
    was skipped has another place."""
    urgency = func.coalesce(entry.line_priority, entry.priority)
    return urgency, func.coalesce(entry.line_at, entry.arrived_at), entry.token


CALLING_ORDER = calling_order(QueueEntry)


class ServicePoint(VersionedRecord):
    """A place with a line of its own, such as the laboratory. Its tokens count from 1 each day after the letters of
    `prefix`; points with the same letters share the numbers."""

    __tablename__ = "service_point"
    __table_args__ = (
        Index(
            "uq_service_point_name",
            text("lower(name COLLATE pg_c_utf8)"),
            unique=True,
            info={"message": N_("There is already a service point with this name."), "field": "name"},
        ),
        Index(
            "uq_service_point_code",
            text("lower(code COLLATE pg_c_utf8)"),
            unique=True,
            info={"message": N_("Another service point has this code. Enter another one."), "field": "code"},
        ),
        CheckConstraint("btrim(name) <> '' AND btrim(code) <> '' AND btrim(prefix) <> ''", name="words_given"),
        CheckConstraint(f"kind IN ({', '.join(repr(kind.value) for kind in PointKind)})", name="kind_known"),
    )

    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    prefix: Mapped[str]
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="RESTRICT"))
    is_active: Mapped[bool] = mapped_column(default=True)

    department: Mapped[Department | None] = relationship(lazy="raise")


class PointEntry(LinePlace, VersionedRecord):
    """A patient in the line of a service point, with the token of that day.

    `queue_entry_id` is the visit, `sent_from_id` the point before. With `holds_place` the place in the doctor's line is kept
    until this ends. `call_count` counts the calls since the patient came, or came back.
    """

    __tablename__ = "point_entry"
    transitions = POINT_TRANSITIONS
    __table_args__ = (
        CheckConstraint(
            "status IN ('waiting', 'called', 'absent', 'in_service', 'done', 'left', 'cancelled')", name="status_known"
        ),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority_known"),
        Index("uq_point_entry_token", "service_date", "prefix", "token", unique=True),
        Index(
            "uq_point_entry_patient",
            "service_date",
            "patient_id",
            "point_id",
            unique=True,
            postgresql_where=text(IN_QUEUE),
            info={
                "message": N_("This patient already waits at this service point."),
                "field": "patient",
                "code": "already_queued",
            },
        ),
        Index("ix_point_entry_board", "point_id", "service_date"),
        Index("ix_point_entry_patient", "patient_id"),
        Index("ix_point_entry_visit", "queue_entry_id"),
    )

    service_date: Mapped[dt.date]
    point_id: Mapped[int] = mapped_column(ForeignKey("service_point.id", ondelete="RESTRICT"))
    prefix: Mapped[str]
    token: Mapped[int]
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    queue_entry_id: Mapped[int | None] = mapped_column(ForeignKey("queue_entry.id", ondelete="RESTRICT"))
    sent_from_id: Mapped[int | None] = mapped_column(ForeignKey("point_entry.id", ondelete="RESTRICT"))
    holds_place: Mapped[bool] = mapped_column(default=False)
    priority: Mapped[int] = mapped_column(default=3)
    status: Mapped[str] = mapped_column(default="waiting")
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    arrived_at: Mapped[dt.datetime]
    called_at: Mapped[dt.datetime | None]
    called_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    call_count: Mapped[int] = mapped_column(default=0, server_default="0")
    started_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]

    patient: Mapped[Patient] = relationship(lazy="raise")
    point: Mapped[ServicePoint] = relationship(lazy="raise")


class WallScreen(Record):
    """A screen on a wall PC where nobody is signed in: a link with a secret opens it until it is switched off.

    It shows the calls of one doctor or of one service point, or of all without both; `spoken` are codes of languages.
    """

    __tablename__ = "wall_screen"
    secret_columns = ("secret_hash",)
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="name_given"),
        CheckConstraint("doctor_id IS NULL OR point_id IS NULL", name="of_one"),
        UniqueConstraint("secret_hash"),
    )

    name: Mapped[str]
    doctor_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    point_id: Mapped[int | None] = mapped_column(ForeignKey("service_point.id", ondelete="RESTRICT"))
    has_chime: Mapped[bool] = mapped_column(default=False)
    spoken: Mapped[list[str]] = mapped_column(ARRAY(Text))
    secret_hash: Mapped[bytes]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    ended_at: Mapped[dt.datetime | None]


class ServicePace(UnauditedRecord):
    """How fast a doctor or a service point calls, from the calls of the last weeks; made again each day from the lines, so it
    may be deleted.

    `kind` is the id of a visit type, "booked" without one, "walk_in", or "" for all. `turns` and `gaps` are seconds, as
    `waits.rules` explains them; `overtaken` has a rate for each priority. `first_calls` has, by weekday (0 is Monday), the
    seconds from midnight to the first call of past days; only the row for all kinds has them.
    """

    __tablename__ = "service_pace"
    __table_args__ = (
        UniqueConstraint("doctor_id", "kind"),
        UniqueConstraint("point_id", "kind"),
        CheckConstraint("num_nonnulls(doctor_id, point_id) = 1", name="of_one"),
        CheckConstraint("kind IN ('', 'booked', 'walk_in') OR kind ~ '^[0-9]+$'", name="kind_known"),
    )

    doctor_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    point_id: Mapped[int | None] = mapped_column(ForeignKey("service_point.id", ondelete="RESTRICT"))
    kind: Mapped[str]
    made_on: Mapped[dt.date]
    turns: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    gaps: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    day_variance: Mapped[float] = mapped_column(Float)
    overtaken: Mapped[list[float]] = mapped_column(ARRAY(Float))
    first_calls: Mapped[dict] = mapped_column(JSONB, default=dict, server_default="{}")
