"""Appointments from the rows of a file."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from hms.appointments.bookings.actions import SlotTaken, book, get_usual_minutes
from hms.appointments.enums import Status
from hms.appointments.forms import parse_appointment_day, parse_clock_time
from hms.appointments.models import Appointment
from hms.appointments.queue.transitions import change_appointment_status
from hms.appointments.visit_types.queries import find_minutes, list_visit_types
from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text.cleaning import fold
from hms.core.text.translation import N_
from hms.patients.identity.hospital_numbers import parse_hospital_number
from hms.patients.models import Patient
from hms.staff import directory

from .fields import Field, identity, line, named, whole_above_zero
from .kind import UNDONE, AlreadyThere, ImportKind


def _patient(text: str) -> int:
    """The id of the patient with this hospital number."""
    number = parse_hospital_number(text, settings.value("patients.number_prefix"))
    if number is None:
        raise RuleBroken(N_("This is no hospital number: check its digits."))
    query = select(Patient.id).where(Patient.number == number, Patient.status == "active")
    patient_id = db.session.scalars(query).one_or_none()
    if patient_id is None:
        raise RuleBroken(N_("There is no patient with this hospital number."))
    return patient_id


def _doctor(text: str) -> int:
    """The id of the active doctor with this username or name."""
    word = fold(text)
    names = directory.doctor_names()
    found = [doctor.id for doctor in directory.doctors() if word in {fold(doctor.username), fold(names[doctor.id])}]
    if not found:
        raise RuleBroken(N_("There is no doctor “%(name)s”. Enter the username or the whole name."), name=text[:50])
    if len(found) > 1:
        raise RuleBroken(N_("Several doctors have this name. Enter the username."))
    return found[0]


_COLUMNS = {"patient": "patient_id", "doctor": "doctor_id", "visit_type": "visit_type_id"}


def _save(values: dict[str, Any], by: Person, _other_than: int | None) -> int:
    """Book it; the patient is not told, because the appointment was made before."""
    columns = {_COLUMNS.get(name, name): value for name, value in values.items()}
    try:
        return book(**columns, news=None, by=by).id
    except SlotTaken as taken:
        raise AlreadyThere.from_error(taken) from taken


def _undo(record_id: int, by: Person) -> None:
    """Cancel it without news to the patient, who was not told of it either."""
    if db.session.get(Appointment, record_id, populate_existing=True).status != Status.SCHEDULED:
        raise Conflict(N_("It is not only booked any more."), code="used")
    change_appointment_status(record_id, Status.CANCELLED.value, reason=UNDONE, news=None, by=by)


def _identities(_values: dict[str, Any]) -> list[str]:
    return []


def _near(values: dict[str, Any]) -> list[str]:
    return [identity(who, values[who], values["date"]) for who in ("patient", "doctor")]


def _overlaps(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two rows with one patient or one doctor on a day are at the same time."""
    (starts, ends), (begins, stops) = _begin_and_end(one), _begin_and_end(other)
    return starts < stops and begins < ends


def _begin_and_end(values: dict[str, Any]) -> tuple[dt.datetime, dt.datetime]:
    begins = dt.datetime.combine(values["date"], values["time"])
    requested = values.get("duration_minutes")
    if requested is None:
        requested = find_minutes(values.get("visit_type"))
    minutes = requested or get_usual_minutes(values["doctor"], values["date"], values["time"])
    return begins, begins + dt.timedelta(minutes=minutes)


APPOINTMENTS = ImportKind(
    name="appointments",
    label=_l("Appointments"),
    needs=(Permission.IMPORT_APPOINTMENTS, Permission.BOOK, Permission.EDIT_APPOINTMENT),
    model=Appointment,
    save=_save,
    undo=_undo,
    identities=_identities,
    near=_near,
    is_twin=_overlaps,
    tries_together=True,
    duplicate_label=_l("Time taken"),
    twin_message=N_("Row %(row)s of this file has this time already, with the same doctor or the same patient."),
    page="appointments.appointment appointment_id",
    portion_rows=1,
    note=_l(
        "The patient is found by the hospital number, the doctor by username or name. Clinic hours, holidays and places "
        "count as at the desk. Patients are not told of imported appointments; reminders are sent."
    ),
    fields=(
        Field(
            "patient",
            _l("Hospital number"),
            ("patient", "patient number", "unique id", "numero de dossier", "numero du patient"),
            _patient,
            is_required=True,
            example="HMS-000482-7",
        ),
        Field(
            "doctor",
            _l("Doctor"),
            ("physician", "clinician", "medecin", "docteur"),
            _doctor,
            is_required=True,
            example="dr.bah",
        ),
        Field(
            "date",
            _l("Date"),
            ("day", "appointment date", "jour", "date du rendez vous"),
            parse_appointment_day,
            is_required=True,
            example="27/3/2027",
            is_date=True,
        ),
        Field(
            "time",
            _l("Time"),
            ("hour", "appointment time", "heure"),
            parse_clock_time,
            is_required=True,
            example="09:30",
        ),
        Field(
            "duration_minutes",
            _l("Minutes"),
            ("duration", "length", "duree", "duration minutes"),
            whole_above_zero,
            example="15",
            is_number=True,
        ),
        Field(
            "visit_type",
            _l("Visit type"),
            ("type", "type de visite", "type de consultation"),
            named(partial(list_visit_types, is_open=True), N_("There is no visit type “%(name)s”.")),
        ),
        Field("notes", _l("Reason for the visit"), ("reason", "motif", "remarques"), line(500)),
    ),
)
