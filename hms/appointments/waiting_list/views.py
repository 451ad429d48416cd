"""Pages: the waiting list and the free places for it."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from hms.appointments.blueprints import pages
from hms.appointments.bookings import queries as booking_queries
from hms.appointments.enums import PRIORITY_LABELS
from hms.appointments.forms import PlaceForm, WaitingForm, WithdrawForm
from hms.appointments.view_helpers import (
    get_number_parameter,
    list_doctor_choices,
    list_visit_type_choices,
    look_up_patients,
)
from hms.core import clock
from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
from hms.core.web.guard import current_person, requires
from hms.core.web.template_filters import day as shown_day
from hms.core.web.template_filters import person_name
from hms.staff import directory

from . import actions, queries


@pages.get("/appointments/waiting-list")
@requires(Permission.BOOK)
def waiting_list() -> str:
    """Free places with those who wait for them, and everybody who waits."""
    page = queries.list_waiting(after=_read_cursor("after"), before=_read_cursor("before"))
    return render_template("appointments/waiting_list.html", page=page, **_load_freed(more=len(page.rows)))


@pages.get("/appointments/waiting-list/rows")
@requires(Permission.BOOK)
def freed_places() -> str:
    """The free places, fetched again after each change."""
    return render_template("appointments/_freed.html", **_load_freed())


def _load_freed(more: int = 0) -> dict[str, Any]:
    places = queries.list_freed_places()
    rows = sum(len(place.entries) for place in places) + more
    read_log.record_list_read("appointments.read_list", rows, entity="waiting_list_entry", renews=True)
    return {"places": places, "priority_words": PRIORITY_LABELS}


def _read_cursor(name: str) -> tuple[int, int] | None:
    """The cursor (priority, id) in a query parameter such as 3-125; None when missing or wrong."""
    priority, _dash, number = request.args.get(name, "").partition("-")
    parsed = (parse_record_id(priority), parse_record_id(number))
    return None if None in parsed else parsed


@pages.route("/appointments/waiting-list/add", methods=["GET", "POST"])
@requires(Permission.BOOK)
def add_to_waiting_list() -> ResponseReturnValue:
    """Put a patient on the waiting list. The query may name patient and doctor."""
    form = WaitingForm() if request.method == "POST" else WaitingForm(data=_defaults_from_address())
    form.doctor.choices = [SelectChoice("", _("Any doctor")), *list_doctor_choices()]
    named = [SelectChoice(row.id, row.name) for row in directory.departments()]
    form.department.choices = [SelectChoice("", _("Any department")), *named]
    form.visit_type.choices = list_visit_type_choices(blank=_("Any visit type"))
    looked_up = look_up_patients(form) if "look_up" in request.form else None
    if looked_up is None and form.save(actions.add_to_waiting_list, by=current_person()):
        row = queries.get_entry(form.result.id)
        flash(_("On the waiting list: %(name)s.", name=person_name(row)), "success")
        return redirect(url_for("appointments.waiting_list"), 303)
    page = render_template("appointments/waiting_add.html", form=form, looked_up=looked_up)
    return page, 200 if looked_up is not None else form.status


def _defaults_from_address() -> dict[str, Any]:
    defaults = {"doctor": get_number_parameter("doctor"), "first_day": clock.today()}
    patient_id = get_number_parameter("patient")
    if patient_id:
        identity = booking_queries.get_patient_identity(patient_id)
        read_log.record_read("appointments.read", patient_id, entity="patient", entity_id=patient_id)
        defaults |= {"patient": patient_id, "patient_text": person_name(identity)}
    return defaults


@pages.route("/appointments/waiting-list/<int:entry_id>", methods=["GET", "POST"])
@requires(Permission.BOOK)
def waiting_entry(entry_id: int) -> ResponseReturnValue:
    """One entry, with the free places for it; take it off the list."""
    row, form = queries.get_entry(entry_id), WithdrawForm()
    if form.save(actions.withdraw_from_waiting_list, entry_id=entry_id, by=current_person()):
        flash(_("Taken off the waiting list: %(name)s.", name=person_name(row)), "success")
        return redirect(url_for("appointments.waiting_list"), 303)
    is_open = row.appointment_id is None and row.withdrawn_at is None
    places = queries.list_freed_places(entry_id) if is_open else []
    read_log.record_read("appointments.read", row.patient_id, entity="waiting_list_entry", entity_id=entry_id)
    values = {"row": row, "form": form, "places": places, "is_open": is_open, "priority_words": PRIORITY_LABELS}
    return render_template("appointments/waiting_entry.html", **values), form.status


@pages.post("/appointments/waiting-list/<int:entry_id>/book")
@requires(Permission.BOOK)
def book_from_waiting_list(entry_id: int) -> ResponseReturnValue:
    """Book a free place for a patient of the list: one press."""
    form = PlaceForm()
    if form.save(lambda **values: actions.book_from_waiting_list(entry_id, **values), by=current_person()):
        booking = booking_queries.get_appointment(form.result.id)
        when = f"{booking.time:%H:%M} {shown_day(booking.date)}"
        flash(
            _(
                "Booked from the waiting list: %(name)s, %(when)s, %(doctor)s",
                name=person_name(booking),
                when=when,
                doctor=booking.doctor_name,
            ),
            "success",
        )
    for messages in form.errors.values():
        flash(str(messages[0]), "stop")
    return redirect(url_for("appointments.waiting_list"), 303)
