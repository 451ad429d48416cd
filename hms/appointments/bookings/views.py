"""Pages: book and move an appointment."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.appointments.availability import queries as availability_queries
from hms.appointments.blueprints import pages
from hms.appointments.forms import BookForm, MoveForm, SlotForm, parse_clock_time
from hms.appointments.view_helpers import (
    NO_DOCTOR,
    get_number_parameter,
    get_requested_day,
    list_doctor_choices,
    list_visit_type_choices,
    look_up_patients,
    search_patients,
)
from hms.appointments.visit_types.queries import find_minutes
from hms.core import clock
from hms.core.api import read_log
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.text.cleaning import search_text
from hms.core.text.formatting import age
from hms.core.web.buttons import flash_with_undo
from hms.core.web.guard import current_person, requires, safe_next
from hms.core.web.template_filters import day as shown_day
from hms.core.web.template_filters import person_name
from hms.patients.search.number_words import describe_number_problem

from . import actions, queries
from .actions import NO_APPOINTMENT


@pages.get("/appointments/patients")
@requires(Permission.BOOK)
def choose_patient() -> Response:
    """Matches for patient fields: name, date of birth, hospital number."""
    return _patient_choices()


@pages.get("/queue/patients")
@requires(Permission.SERVE_POINT)
def choose_patient_for_line() -> Response:
    """As `choose_patient`, for those who put patients in the line of a service point."""
    return _patient_choices()


def _patient_choices() -> Response:
    typed = search_text(request.args.get("q"), longest=120)
    choices = [_patient_choice(hit) for hit in search_patients(typed)]
    problem = describe_number_problem(typed)
    return jsonify({"results": choices, "note": problem} if problem else choices)


def _patient_choice(hit: Any) -> dict[str, str]:
    note = _("same name") if hit.same_name_count else ""
    return {"value": str(hit.id), "label": person_name(hit), "detail": _identity_words(hit), "note": note}


def _identity_words(who: Any) -> str:
    """Birth date with age, and hospital number."""
    born = f"{shown_day(who.date_of_birth)} ({age(who.date_of_birth, clock.today())})" if who.date_of_birth else "–"
    return f"{born} · {who.hospital_number}"


@pages.get("/appointments/upcoming")
@requires(Permission.BOOK)
def upcoming() -> str:
    """The patient of the query with the upcoming appointments, for the open form."""
    return render_template("appointments/_coming.html", **_load_patient(get_number_parameter("patient")))


def _load_patient(patient_id: int | None) -> dict[str, Any]:
    """Template values for the chosen patient: identity and upcoming appointments. Records the read."""
    if not patient_id:
        return {"identity": None, "identity_words": None, "coming": []}
    identity, coming = queries.get_patient_identity(patient_id), queries.list_patient_bookings(patient_id)
    read_log.record_read("appointments.read", patient_id, entity="patient", entity_id=patient_id)
    return {"identity": identity, "identity_words": _identity_words(identity), "coming": coming}


@pages.get("/appointments/slots")
@requires(Permission.BOOK)
def slots() -> str:
    """The free times of a doctor's day, for the open form."""
    minutes = find_minutes(get_number_parameter("visit_type"))
    free_times = _list_free_times(get_number_parameter("doctor"), get_requested_day()[0], None, minutes)
    return render_template("appointments/_slots.html", **free_times)


def _list_free_times(
    doctor_id: int | None, day: dt.date | None, chosen: dt.time | None, minutes: int | None = None
) -> dict[str, Any]:
    """Template values for the list of times: the day's free slots, or the doctor's next free slot; for a visit of `minutes`
    when given."""
    parts: dict[str, Any] = {
        "slots": [],
        "slot_day": day,
        "chosen": chosen,
        "next_free": None,
        "slot_doctor": doctor_id,
        "holiday": None,
    }
    is_near = day is not None and 0 <= (day - clock.today()).days <= 731
    if doctor_id and is_near:
        parts["slots"] = availability_queries.list_free_slots(doctor_id, day, minutes=minutes)
        if not parts["slots"]:
            parts["next_free"] = availability_queries.find_next_free_slot(
                doctor_id, max(clock.day_bounds(day)[0], clock.now()), minutes
            )
            parts["holiday"] = availability_queries.find_holiday(day)
    return parts


@pages.route("/appointments/new", methods=["GET", "POST"])
@requires(Permission.BOOK)
def book_page() -> ResponseReturnValue:
    """Book an appointment. The query may name doctor, date, time and patient."""
    form = BookForm() if request.method == "POST" else BookForm(data=_defaults_from_address())
    form.doctor.choices = [NO_DOCTOR, *list_doctor_choices()]
    form.visit_type.choices = list_visit_type_choices(blank=_("No visit type"))
    _take_alternative(form)
    looked_up = look_up_patients(form) if "look_up" in request.form else None
    if looked_up is None and form.save(actions.book, by=current_person()):
        return _redirect_after_booking(form.result)
    return _render_booking(form, looked_up)


def _defaults_from_address() -> dict[str, Any]:
    """Form values from the query parameters."""
    who = current_person()
    own = who.id if who.may(Permission.WRITE_ENCOUNTER) else None
    defaults = {
        "doctor": get_number_parameter("doctor") or own,
        "date": get_requested_day()[0],
        "time": _time_in_address(),
        "visit_type": get_number_parameter("visit_type"),
    }
    if request.args.get("overbook") and who.may(Permission.OVERBOOK):
        defaults |= {"overbook": True, "other_time": defaults["time"]}
    patient_id = get_number_parameter("patient")
    if patient_id:
        defaults |= {"patient": patient_id, "patient_text": person_name(queries.get_patient_identity(patient_id))}
    return defaults


def _time_in_address() -> dt.time | None:
    try:
        return parse_clock_time(request.args.get("time", "")[:8])
    except RuleBroken:
        return None


def _take_alternative(form: SlotForm) -> None:
    """Put the offered free time into the form when its button was pressed (`take`: ISO day, blank, ISO time)."""
    day, _blank, time = request.form.get("take", "").partition(" ")
    try:
        form.date.data, form.time.data = dt.date.fromisoformat(day), dt.time.fromisoformat(time)
    except ValueError:
        return
    form.date.typed = form.time.typed = form.other_time.typed = form.other_time.data = None


def _redirect_after_booking(booking: Any) -> ResponseReturnValue:
    row = queries.get_appointment(booking.id)
    when = f"{booking.time:%H:%M} {shown_day(booking.date)}"
    name, doctor = person_name(row), row.doctor_name
    if row.is_overbooked:
        flash(_("Overbooked: %(name)s, %(when)s, %(doctor)s", name=name, when=when, doctor=doctor), "success")
    else:
        flash(_("Booked: %(name)s, %(when)s, %(doctor)s", name=name, when=when, doctor=doctor), "success")
    return redirect(url_for("appointments.day", date=booking.date.isoformat()), 303)


def _render_booking(form: BookForm, looked_up: list[tuple[int, str]] | None) -> ResponseReturnValue:
    patient = _load_patient(None if form.patient.errors else form.patient.data)
    minutes = find_minutes(form.visit_type.data)
    parts = _list_free_times(form.doctor.data, form.date.data, form.chosen_time, minutes)
    alternative = getattr(form.conflict, "alternative", None) if hasattr(form, "conflict") else None
    page = render_template(
        "appointments/book.html", form=form, looked_up=looked_up, alternative=alternative, **patient, **parts
    )
    return page, 200 if looked_up is not None else form.status


@pages.route("/appointments/<int:appointment_id>/move", methods=["GET", "POST"])
@requires(Permission.MOVE_APPOINTMENT)
def move(appointment_id: int) -> ResponseReturnValue:
    """Change time or doctor; undo moves the booking back. `next` is the page to return to."""
    row = queries.get_appointment(appointment_id)
    if not current_person().may(Permission.EDIT_ANY_APPOINTMENT) and row.doctor_id != current_person().id:
        raise NotFound(NO_APPOINTMENT)
    defaults = {
        "doctor": get_number_parameter("doctor") or row.doctor_id,
        "date": get_requested_day()[0] if "date" in request.args else row.date,
        "version": row.version,
    }
    form = MoveForm() if request.method == "POST" else MoveForm(data=defaults | {"time": _time_in_address()})
    form.merge_with(lambda: form.stored_values(queries.get_appointment(appointment_id)))
    form.doctor.choices = list_doctor_choices()
    _take_alternative(form)
    if "look_up" not in request.form and form.save(
        lambda **when: actions.move(appointment_id, **when), by=current_person()
    ):
        return _redirect_after_move(row, form.result)
    is_same_doctor = form.doctor.data == row.doctor_id
    minutes = row.duration_minutes if is_same_doctor or row.visit_type_id else None
    parts = _list_free_times(form.doctor.data, form.date.data, form.chosen_time, minutes)
    alternative = getattr(form.conflict, "alternative", None) if hasattr(form, "conflict") else None
    read_log.record_read("appointments.read", row.patient_id, entity="appointment", entity_id=appointment_id)
    values = {"form": form, "row": row, "alternative": alternative, "next": safe_next(request.form.get("next"))}
    return render_template("appointments/move.html", **values, **parts), form.status


def _redirect_after_move(old: Any, booking: Any) -> ResponseReturnValue:
    text = _("Moved to %(when)s", when=f"{booking.time:%H:%M} {shown_day(booking.date)}")
    before = {"doctor": old.doctor_id, "date": shown_day(old.date), "time": f"{old.time:%H:%M}"}
    before["version"] = booking.version
    undo = url_for("appointments.move", appointment_id=old.id)
    onward = safe_next(request.form.get("next"))
    flash_with_undo(text, undo, **before, **({"next": onward} if onward else {}))
    return redirect(onward or url_for("appointments.appointment", appointment_id=booking.id), 303)
