"""Pages: bookings that nobody has confirmed."""

from __future__ import annotations

from flask import flash, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.appointments.blueprints import pages
from hms.appointments.view_helpers import redirect_back, run_or_flash
from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.settings import store as settings
from hms.core.web.buttons import flash_with_undo
from hms.core.web.guard import requires

from . import actions, queries


@pages.get("/appointments/unconfirmed")
@requires(Permission.CHECK_IN)
def unconfirmed() -> str:
    """The bookings of the next days that are not confirmed."""
    rows = queries.list_unconfirmed()
    read_log.record_list_read("appointments.read_list", len(rows), entity="appointment")
    return render_template("appointments/unconfirmed.html", rows=rows, days=settings.value("appointments.confirm_days"))


@pages.post("/appointments/<int:appointment_id>/confirm")
@requires(Permission.EDIT_APPOINTMENT)
def confirm(appointment_id: int) -> ResponseReturnValue:
    """Note that the patient has confirmed."""
    if run_or_flash(actions.confirm_appointment, appointment_id):
        undo = url_for("appointments.undo_confirmation", appointment_id=appointment_id)
        flash_with_undo(_("Confirmed by phone."), undo)
    return redirect_back(url_for("appointments.unconfirmed"))


@pages.post("/appointments/<int:appointment_id>/undo-confirmation")
@requires(Permission.EDIT_APPOINTMENT)
def undo_confirmation(appointment_id: int) -> ResponseReturnValue:
    """Take a confirmation back."""
    if run_or_flash(actions.undo_confirmation, appointment_id):
        flash(_("The appointment is not confirmed any more."), "success")
    return redirect_back(url_for("appointments.unconfirmed"))
