"""Pages: opening an encounter, and the lists that open under its fields. The encounter itself and vital signs have their
own files."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core import read_log
from hms.core.localisation import translate
from hms.core.permissions import Action
from hms.core.text import sought
from hms.core.web import needs, person
from hms.formulary import queries as formulary
from hms.patients import queries as patients

from . import actions, codes, continuing, labels, pending, queries, readings, rules
from .forms import EncounterForm

pages = Blueprint("clinical", __name__)


@pages.app_template_global("certainty_word")
def certainty_word(certainty: str) -> str:
    return rules.CERTAINTIES.get(certainty, certainty)


@pages.app_template_global("clinical_status_word")
def clinical_status_word(status: str) -> str:
    return labels.CLINICAL_STATUSES.get(status, status)


@pages.post("/patients/<int:patient_id>/encounters/start")
@needs(Action.WRITE_ENCOUNTER)
def start_for(patient_id: int) -> ResponseReturnValue:
    """Open an encounter from the chart."""
    started = actions.start_encounter(patient_id=patient_id, by=person())
    return redirect(url_for("clinical.encounter", encounter_id=started.id), 303)


@pages.get("/queue/<int:entry_id>/start")
@needs(Action.WRITE_ENCOUNTER)
def start_page(entry_id: int) -> ResponseReturnValue:
    """Ask before taking a patient in: an address alone changes nothing. An encounter that is open already is shown."""
    entry, opened = queries.place_in_queue(entry_id)
    if opened is not None:
        return redirect(url_for("clinical.encounter", encounter_id=opened))
    whom = patients.patient(entry.patient_id)
    banner = patients.patient_banner(whom, person())
    read_log.note("patients.read", whom.id, entity="patient", entity_id=whom.id)
    return render_template("clinical/start.html", entry=entry, patient=whom, banner=banner)


@pages.post("/queue/<int:entry_id>/start")
@needs(Action.WRITE_ENCOUNTER)
def start(entry_id: int) -> ResponseReturnValue:
    """The patient is in the room: open the encounter."""
    started = actions.start_encounter(queue_entry_id=entry_id, by=person())
    return redirect(url_for("clinical.encounter", encounter_id=started.id), 303)


@pages.post("/prescriptions/<int:prescription_id>/repeat")
@needs(Action.PRESCRIBE)
def repeat(prescription_id: int) -> ResponseReturnValue:
    """Order an earlier medicine once more; it is in the open encounter, or why it is not stands there."""
    encounter, left_out = continuing.repeat(prescription_id, by=person())
    for told in left_out:
        flash(translate(told), "caution")
    if not left_out:
        flash(_("Added to this encounter, checked anew. Nothing is ordered before you sign."), "success")
    return redirect(url_for("clinical.encounter", encounter_id=encounter.id, _anchor="prescriptions"), 303)


@pages.get("/clinical/diagnoses")
@needs(Action.WRITE_ENCOUNTER)
def diagnoses() -> str:
    """Rows for the diagnosis box."""
    return render_template("clinical/_diagnoses.html", rows=codes.find(sought(request.args.get("q"), longest=255)))


@pages.get("/clinical/medicines")
@needs(Action.PRESCRIBE)
def medicines() -> str:
    """Rows for the medicine box: complete doses, those for the patient's age first."""
    age = request.args.get("months", "")
    years = readings.from_months(age)
    return render_template(
        "clinical/_medicines.html", rows=formulary.choices(sought(request.args.get("q"), longest=255), age_years=years)
    )


@pages.get("/clinical/dose")
@needs(Action.PRESCRIBE)
def dose() -> ResponseReturnValue:
    """What the dose fields say, in words; the fields come as the form would send them."""
    form = EncounterForm(formdata=request.args, meta={"csrf": False})
    form.validate()
    return pending.preview(form)


from . import encounter_views, hospital_template_views, summary_views, template_views, vitals_views  # noqa: E402, F401 - their routes are on the same blueprint
