"""Pages: check in a patient, and the slip with the token."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from wtforms.fields.choices import SelectChoice

from hms.appointments.blueprints import pages
from hms.appointments.bookings import queries as booking_queries
from hms.appointments.forms import QueueForm
from hms.appointments.view_helpers import (
    flash_token,
    get_number_parameter,
    list_doctor_choices,
    look_up_patients,
    redirect_back,
    render_slip,
)
from hms.appointments.waits import queries as wait_queries
from hms.core import clock
from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires

from . import queries, transitions


@pages.route("/queue/add", methods=["GET", "POST"])
@requires(Permission.CHECK_IN)
def add_to_queue_page() -> ResponseReturnValue:
    """Check in a patient: one press when the query or the form names the patient."""
    form = _queue_form()
    looked_up = look_up_patients(form) if "look_up" in request.form else None
    if looked_up is None and form.save(
        lambda patient_id, **values: transitions.add_to_queue(patient_id, **values), by=current_person()
    ):
        flash_token(form.result.id)
        return redirect_back(url_for("appointments.queue"))
    has_patient = form.patient.data and not form.patient.errors
    patient = booking_queries.get_patient_identity(form.patient.data) if has_patient else None
    upcoming = booking_queries.list_patient_bookings(patient.id) if patient else []
    booked = [row for row in upcoming if row.date == clock.today()]
    waiting = queries.get_current_entry(patient.id) if patient else None
    if patient:
        read_log.record_read("appointments.read", patient.id, entity="patient", entity_id=patient.id)
    page = render_template(
        "appointments/queue_add.html",
        form=form,
        patient=patient,
        booked=booked,
        waiting=waiting,
        looked_up=looked_up,
    )
    return page, 200 if looked_up is not None else form.status


def _queue_form() -> QueueForm:
    """The submitted form, or a form filled from the query.

    The find box sends only `patient_id`; after "Save and check in" the query names the patient.
    """
    named = request.form.get("patient_id") or request.args.get("patient", "")
    sent = CombinedMultiDict([request.form, MultiDict({"priority": "3", "patient": named})])
    form = QueueForm(sent) if request.method == "POST" else QueueForm(data={"patient": get_number_parameter("patient")})
    form.doctor.choices = [SelectChoice("", _("Any doctor")), *list_doctor_choices()]
    return form


@pages.get("/queue/<int:entry_id>/slip")
@requires(Permission.CHECK_IN)
def slip(entry_id: int) -> ResponseReturnValue:
    """The slip with the token. `printer` is one of `Printer`; this computer remembers the last one."""
    entry = queries.get_entry(entry_id)
    read_log.record_read("appointments.read", entry.patient_id, entity="queue_entry", entity_id=entry_id)
    ahead, wait = queries.count_ahead(entry_id), wait_queries.expected_waits().get(entry_id)
    where = " · ".join(word for word in (entry.doctor_name or _("Any doctor"), entry.room) if word)
    return render_slip(entry, where=where, ahead=ahead, wait=wait, back=url_for("appointments.queue"))
