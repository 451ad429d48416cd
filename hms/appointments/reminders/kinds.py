"""The kinds of messages about appointments, and what each would say of a booking at this moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial

from flask_babel import lazy_gettext as _l
from sqlalchemy import Row, func, select, tuple_
from sqlalchemy.orm import aliased

from hms.appointments.enums import Status
from hms.appointments.models import Appointment
from hms.core import clock
from hms.core.db.session import db
from hms.core.settings import store as settings
from hms.core.text.formatting import spoken_name
from hms.messages.kinds import MessageKind, News, Recipient
from hms.messages.outgoing import actions, queries
from hms.messages.texts.languages import say_day, say_time
from hms.patients.models import Patient
from hms.staff.directory import display_name_column
from hms.staff.models import User

from . import texts
from .rules import useful_notice

NAMES = {
    "hospital": _l("Name of the hospital"),
    "hospital_phone": _l("Phone of the hospital, may be blank"),
    "hospital_address": _l("Address of the hospital, may be blank"),
    "patient": _l("Name of the patient"),
    "given_name": _l("First name of the patient"),
    "day": _l("Day of the appointment"),
    "time": _l("Time of the appointment"),
    "doctor": _l("Name of the doctor"),
}
SERIES = {"count": _l("Number of appointments"), "last_day": _l("Day of the last appointment")}
OLD_TIME = {"old_day": _l("Day before it was moved"), "old_time": _l("Time before it was moved")}


def find_booking(appointment_id: int) -> Row | None:
    """What messages say of a booking, its patient and the time it had before; None when there is none."""
    old = aliased(Appointment)
    query = (
        select(
            *(Appointment.id, Appointment.date, Appointment.time, Appointment.status, Appointment.version),
            *(Appointment.withdrawn_at, Appointment.patient_id, Appointment.doctor_id, Appointment.series_id),
            display_name_column().label("doctor"),
            *(Patient.given_names, Patient.family_name, Patient.title, Patient.phone, Patient.email, Patient.language),
            (Patient.deceased_on.is_not(None) | (Patient.deceased_text != "")).label("has_died"),
            Patient.status.label("patient_status"),
            *(old.date.label("old_date"), old.time.label("old_time"), old.doctor_id.label("old_doctor_id")),
            old.rescheduled_from_id.label("old_from_id"),
        )
        .join(Patient, Patient.id == Appointment.patient_id)
        .join(User, User.id == Appointment.doctor_id)
        .outerjoin(old, old.id == Appointment.rescheduled_from_id)
        .where(Appointment.id == appointment_id)
    )
    return db.session.execute(query).one_or_none()


def _find_news(
    is_true: Callable[[Row], bool],
    occurrence: Callable[[Row], str],
    notice: Callable[[], dt.timedelta],
    booking_id: int,
    values: Callable[[Row, str], Mapping[str, str]] | None = None,
) -> News | None:
    """What there is to say of a booking, until `notice` before it begins: nothing when its patient has died."""
    row = find_booking(booking_id)
    if row is None or row.has_died or row.patient_status != "active" or not is_true(row):
        return None
    starts = clock.at(row.date, row.time)
    recipient = Recipient(row.patient_id, row.phone, row.email, row.language)
    return News(recipient, occurrence(row), starts, starts - notice(), partial(values or _values, row))


def _values(row: Row, language: str) -> Mapping[str, str]:
    starts = clock.at(row.date, row.time)
    values = {
        "hospital": settings.value("hospital.name"),
        "hospital_phone": settings.value("hospital.phone"),
        "hospital_address": settings.value("hospital.address"),
        "patient": spoken_name(row.family_name, row.given_names, row.title),
        "given_name": row.given_names or row.family_name,
        "day": say_day(starts, language),
        "time": say_time(starts, language),
        "doctor": row.doctor,
    }
    if row.old_date is not None:
        before = _time_before(row)
        values |= {"old_day": say_day(before, language), "old_time": say_time(before, language)}
    return values


def _time_before(row: Row) -> dt.datetime:
    """When the booking was before its last move; a change of its length alone was no move."""
    now, before = (row.doctor_id, row.date, row.time), (row.old_doctor_id, row.old_date, row.old_time)
    older = row.old_from_id
    while before == now and older is not None:
        columns = (Appointment.doctor_id, Appointment.date, Appointment.time, Appointment.rescheduled_from_id)
        *before, older = db.session.execute(select(*columns).where(Appointment.id == older)).one()
        before = tuple(before)
    return clock.at(before[1], before[2])


def _series_values(row: Row, language: str) -> Mapping[str, str]:
    """The values of the first booking of a change, with the number and the last day of those in the same state from it on."""
    same = select(func.count(), func.max(Appointment.date)).where(
        Appointment.series_id == row.series_id,
        Appointment.patient_id == row.patient_id,
        Appointment.status == row.status,
        Appointment.withdrawn_at.is_(None),
        tuple_(Appointment.date, Appointment.time) >= (row.date, row.time),
    )
    count, last = db.session.execute(same).one()
    last_day = say_day(clock.at(last or row.date, row.time), language)
    return {**_values(row, language), "count": str(max(count, 1)), "last_day": last_day}


def _find_example(patient_id: int, language: str) -> Mapping[str, str] | None:
    """The values of the patient's last booking; the time before is the same where it was not moved."""
    newest = select(Appointment.id).where(Appointment.patient_id == patient_id, Appointment.withdrawn_at.is_(None))
    booking_id = db.session.scalars(
        newest.order_by(Appointment.date.desc(), Appointment.time.desc(), Appointment.id.desc()).limit(1)
    ).first()
    row = None if booking_id is None else find_booking(booking_id)
    if row is None:
        return None
    values = dict(_values(row, language))
    more = {"old_day": values["day"], "old_time": values["time"], "count": "1", "last_day": values["day"]}
    return more | values


def _is_booked(row: Row) -> bool:
    return row.status == Status.SCHEDULED and row.withdrawn_at is None


def _is_moved(row: Row) -> bool:
    return _is_booked(row) and row.old_date is not None


def _is_cancelled(row: Row) -> bool:
    return row.status == Status.CANCELLED


def _this_time(row: Row) -> str:
    """Of a reminder: one for each time that the booking had."""
    return f"{row.date.isoformat()}T{row.time:%H:%M}"


def _this_change(row: Row) -> str:
    """Of a change: also one that brings the booking back to an earlier time is told."""
    return f"version {row.version}"


def _reminder_notice() -> dt.timedelta:
    leads = queries.reminder_leads()
    return useful_notice(leads[-1], queries.least_notice()) if leads else dt.timedelta()


def _kind(
    name: str, label: object, find: Callable[[int], News | None], said: texts.Texts, *, is_move: bool
) -> MessageKind:
    return MessageKind(f"appointment.{name}", label, NAMES | (OLD_TIME if is_move else {}), said, find, _find_example)


def _series_kind(name: str, label: object, is_true: Callable[[Row], bool], said: texts.Texts) -> MessageKind:
    find = partial(_find_news, is_true, _this_change, dt.timedelta, values=_series_values)
    names = NAMES | SERIES | (OLD_TIME if is_true is _is_moved else {})
    return MessageKind(f"appointment.{name}", label, names, said, find, _find_example)


REMINDER = _kind(
    "reminder",
    _l("Reminder"),
    partial(_find_news, _is_booked, _this_time, _reminder_notice),
    texts.REMINDER,
    is_move=False,
)
BOOKED = _kind(
    "booked",
    _l("Appointment booked"),
    partial(_find_news, _is_booked, _this_change, queries.least_notice),
    texts.BOOKED,
    is_move=False,
)
MOVED = _kind(
    "moved",
    _l("Appointment moved"),
    partial(_find_news, _is_moved, _this_change, dt.timedelta),
    texts.MOVED,
    is_move=True,
)
CANCELLED = _kind(
    "cancelled",
    _l("Appointment cancelled"),
    partial(_find_news, _is_cancelled, _this_change, dt.timedelta),
    texts.CANCELLED,
    is_move=False,
)
AWAY_MOVED = _kind(
    "away_moved",
    _l("Doctor away, appointment moved"),
    partial(_find_news, _is_moved, _this_change, dt.timedelta),
    texts.AWAY_MOVED,
    is_move=True,
)
AWAY_CANCELLED = _kind(
    "away_cancelled",
    _l("Doctor away, appointment cancelled"),
    partial(_find_news, _is_cancelled, _this_change, dt.timedelta),
    texts.AWAY_CANCELLED,
    is_move=False,
)
SERIES_BOOKED = _series_kind("series_booked", _l("Series booked"), _is_booked, texts.SERIES_BOOKED)
SERIES_MOVED = _series_kind("series_moved", _l("Series moved"), _is_moved, texts.SERIES_MOVED)
SERIES_CANCELLED = _series_kind("series_cancelled", _l("Series cancelled"), _is_cancelled, texts.SERIES_CANCELLED)
KINDS = (
    *(REMINDER, BOOKED, MOVED, CANCELLED, AWAY_MOVED, AWAY_CANCELLED),
    *(SERIES_BOOKED, SERIES_MOVED, SERIES_CANCELLED),
)


def tell(kind: MessageKind | None, appointment: Appointment) -> None:
    """Tell the patient this news about the booking after the action commits, unless the hospital does not want it; nothing
    without a kind."""
    if kind is None:
        return
    if settings.value("messages.tell_changes") and clock.at(appointment.date, appointment.time) > clock.now():
        actions.announce(kind.name, appointment.id)
