"""Page: which messages a patient wants."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.messages.kinds import Recipient
from hms.messages.preferences import queries
from hms.messages.texts.languages import language_labels
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.blueprints import pages
from hms.patients.records import banner

from . import actions
from .forms import PreferenceForm


@pages.route("/<int:patient_id>/messages", methods=["GET", "POST"])
@requires(Permission.EDIT_PATIENT)
def preferences(patient_id: int) -> ResponseReturnValue:
    """What the patient wants, for each channel, and in which language."""
    patient, who = lookup.patient(patient_id), current_person()
    policy.check_team(patient, who)
    form = PreferenceForm(data=_stored(patient_id))
    form.merge_with(lambda: _stored(patient_id))
    if form.save(actions.set_preference, by=who, patient_id=patient_id):
        flash(_("Wishes about messages saved."), "success")
        return redirect(url_for(".preferences", patient_id=patient_id), 303)
    recipient = Recipient(patient.id, patient.phone, patient.email, patient.language)
    language = queries.choose_language(recipient, queries.get_preference(patient_id))
    values = {"patient": patient, "banner": banner.patient_banner(patient, who), "form": form}
    read_log.record_read("patients.read", patient_id, entity="patient", entity_id=patient_id)
    page = render_template("patients/messages/preferences.html", **values, language=language_labels()[language])
    return page, form.status


def _stored(patient_id: int) -> dict[str, Any]:
    return asdict(queries.get_preference(patient_id))
