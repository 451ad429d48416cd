"""Plans the reminders: the scheduler asks every minute which are due."""

from __future__ import annotations

import datetime as dt
import logging

from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import aliased

from hms.appointments.enums import Status
from hms.appointments.models import Appointment
from hms.core import clock
from hms.core.db.session import db
from hms.core.person import SYSTEM
from hms.core.seldom_log import log_seldom
from hms.messages.channels import sending
from hms.messages.enums import Channel
from hms.messages.models import OutgoingMessage
from hms.messages.outgoing import actions, queries
from hms.messages.outgoing.jobs import offer_kind
from hms.messages.preferences import queries as preferences
from hms.patients.models import Patient

from . import rules
from .kinds import KINDS, REMINDER

log = logging.getLogger(__name__)

NOTE_EVERY = dt.timedelta(minutes=5)
LOOK_BACK = dt.timedelta(days=2)
"""Reminders of appointments that began longer ago are not even marked as missed."""

for kind in KINDS:
    offer_kind(kind)


def plan_reminders() -> int:
    """Make the reminders that are due; returns how many bookings had one.

    It may run late, twice, or on two machines: a reminder is made once for each time of a booking, lead and channel. What a
    clock that stood still left out is sent if it still helps, else it is marked as missed.
    """
    channels, leads = sending.usable_channels(), queries.reminder_leads()
    if not channels or not leads:
        return 0
    now, planned_until = clock.now(), queries.planned_until()
    if planned_until is not None and planned_until > now:
        planned_until = None  # the clock of the machine was ahead once
    since = max(planned_until or now, now - LOOK_BACK)
    candidates = _candidates(channels, leads, since=since, until=now + leads[0] + dt.timedelta(days=1))
    db.session.rollback()
    count = sum(_remind_or_log(row, leads, now) for row in candidates)
    if planned_until is None or now - planned_until >= NOTE_EVERY:
        actions.note_planned(now, by=SYSTEM)
    return count


def _candidates(
    channels: list[Channel], leads: list[dt.timedelta], *, since: dt.datetime, until: dt.datetime
) -> list[Row]:
    """The bookings from `since` to `until` whose patients can be reached, with the leads that were made already."""
    old = aliased(Appointment)
    occurrence = func.to_char(Appointment.date + Appointment.time, 'YYYY-MM-DD"T"HH24:MI')
    made = select(OutgoingMessage.lead_minutes).where(
        OutgoingMessage.appointment_id == Appointment.id,
        OutgoingMessage.kind == REMINDER.name,
        OutgoingMessage.occurrence == occurrence,
    )
    addresses = {Channel.SMS: Patient.phone != "", Channel.EMAIL: Patient.email != ""}
    query = (
        select(
            *(Appointment.id, Appointment.date, Appointment.time),
            func.coalesce(old.created_at, Appointment.created_at).label("agreed_at"),
            func.array(made.scalar_subquery()).label("made"),
        )
        .join(Patient, Patient.id == Appointment.patient_id)
        .outerjoin(old, old.id == Appointment.rescheduled_from_id)
        .where(
            Appointment.date.between(clock.local(since).date(), clock.local(until).date()),
            Appointment.status == Status.SCHEDULED.value,
            Appointment.withdrawn_at.is_(None),
            or_(*(addresses[channel] & preferences.wants(Patient.id, channel) for channel in channels)),
        )
        .order_by(Appointment.date, Appointment.time, Appointment.id)
    )
    rows = db.session.execute(query)
    return [row for row in rows if len(set(row.made)) < len(leads) and clock.at(row.date, row.time) > since]


def _remind_or_log(row: Row, leads: list[dt.timedelta], now: dt.datetime) -> bool:
    """`_remind`; one booking that cannot be reminded of does not stop those after it, and is tried again next time."""
    try:
        return _remind(row, leads, now)
    except Exception as error:
        db.session.rollback()
        log_seldom(log, "reminders", "no reminder of appointment %s: %s", row.id, type(error).__name__)
        return False


def _remind(row: Row, leads: list[dt.timedelta], now: dt.datetime) -> bool:
    open_leads = [lead for lead in leads if int(lead.total_seconds() // 60) not in row.made]
    due = rules.due_reminders(
        clock.at(row.date, row.time),
        row.agreed_at,
        now,
        leads=open_leads,
        notice=queries.least_notice(),
        quiet=queries.quiet_hours(),
    )
    for reminder in due:
        if reminder.is_missed:
            actions.note_missed(REMINDER, row.id, lead=reminder.lead, due=reminder.due, by=SYSTEM)
        else:
            actions.make_message(REMINDER, row.id, lead=reminder.lead, due=reminder.due, by=SYSTEM)
    return bool(due)
