"""The page of the prescribed SpO₂ scale."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.clinical.blueprints import pages
from hms.clinical.forms import SaturationForm
from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.records import banner

from . import actions, queries


@pages.get("/patients/<int:patient_id>/saturation")
@requires(Permission.OPEN_CHART)
def saturation(patient_id: int) -> ResponseReturnValue:
    """Which SpO₂ scale is used for a patient, and who prescribed it."""
    return _page(patient_id, SaturationForm(formdata=None))


@pages.post("/patients/<int:patient_id>/saturation")
@requires(Permission.PRESCRIBE)
def set_saturation(patient_id: int) -> ResponseReturnValue:
    """Prescribe the SpO₂ scale."""
    form = SaturationForm()
    if form.save(actions.set_saturation_scale, patient_id=patient_id, by=current_person()):
        flash(_("SpO₂ scale %(scale)s is used from now on.", scale=form.result.scale), "success")
        return redirect(url_for("clinical.saturation", patient_id=patient_id), 303)
    return _page(patient_id, form)


def _page(patient_id: int, form: SaturationForm) -> ResponseReturnValue:
    patient = lookup.patient(patient_id)
    policy.check(patient, current_person())
    read_log.record_read("clinical.read_saturation_scale", patient_id, entity="patient", entity_id=patient_id)
    return render_template(
        "clinical/saturation.html",
        form=form,
        patient=patient,
        banner=banner.patient_banner(patient, current_person()),
        found=queries.list_orders(patient_id),
    ), form.status
