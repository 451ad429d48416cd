"""Pages: start an encounter; the lists that open under the fields of the encounter page."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.clinical import copy_forward
from hms.clinical.blueprints import pages
from hms.clinical.diagnoses import codes
from hms.clinical.encounters import actions, queries
from hms.clinical.forms import EncounterForm
from hms.clinical.note_templates import hospital_views  # noqa: F401 - their routes are on the same blueprint
from hms.clinical.note_templates import views as template_views  # noqa: F401 - their routes are on the same blueprint
from hms.clinical.prescriptions import patient_context
from hms.clinical.vitals import views as vitals_views  # noqa: F401 - their routes are on the same blueprint
from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.text.cleaning import search_text
from hms.core.text.numbers import parse_record_id
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import translate
from hms.formulary.medicines import queries as formulary
from hms.patients import lookup
from hms.patients.records import banner as record_banner

from . import (
    prescription_form,
    summary_views,  # noqa: F401 - their routes are on the same blueprint
)
from . import views as encounter_page_views  # noqa: F401 - their routes are on the same blueprint


@pages.post("/patients/<int:patient_id>/encounters/start")
@requires(Permission.WRITE_ENCOUNTER)
def start_for(patient_id: int) -> ResponseReturnValue:
    """Start an encounter from the chart."""
    started = actions.start_encounter(patient_id=patient_id, by=current_person())
    return redirect(url_for("clinical.encounter", encounter_id=started.id), 303)


@pages.get("/queue/<int:entry_id>/start")
@requires(Permission.WRITE_ENCOUNTER)
def start_page(entry_id: int) -> ResponseReturnValue:
    """Ask for confirmation before an encounter starts; redirect to the encounter when it exists."""
    entry, opened = queries.get_queue_entry(entry_id)
    if opened is not None:
        return redirect(url_for("clinical.encounter", encounter_id=opened))
    patient = lookup.patient(entry.patient_id)
    banner = record_banner.patient_banner(patient, current_person())
    read_log.record_read("patients.read", patient.id, entity="patient", entity_id=patient.id)
    return render_template("clinical/start.html", entry=entry, patient=patient, banner=banner)


@pages.post("/queue/<int:entry_id>/start")
@requires(Permission.WRITE_ENCOUNTER)
def start(entry_id: int) -> ResponseReturnValue:
    """Start the encounter of a queue entry."""
    started = actions.start_encounter(queue_entry_id=entry_id, by=current_person())
    return redirect(url_for("clinical.encounter", encounter_id=started.id), 303)


@pages.post("/prescriptions/<int:prescription_id>/repeat")
@requires(Permission.PRESCRIBE)
def repeat(prescription_id: int) -> ResponseReturnValue:
    """Prescribe an earlier medicine again in the open encounter, or show why it was not copied."""
    encounter, left_out = copy_forward.repeat_prescription(prescription_id, by=current_person())
    for problem in left_out:
        flash(translate(problem), "caution")
    if not left_out:
        flash(_("Added to this encounter and checked again. Nothing is prescribed until you sign."), "success")
    return redirect(url_for("clinical.encounter", encounter_id=encounter.id, _anchor="prescriptions"), 303)


@pages.get("/clinical/diagnoses")
@requires(Permission.WRITE_ENCOUNTER)
def diagnoses() -> str:
    """Options of the diagnosis field."""
    found = codes.find_codes(search_text(request.args.get("q"), longest=255))
    return render_template("clinical/_diagnoses.html", rows=found.rows, is_similar=found.is_similar)


@pages.get("/clinical/medicines")
@requires(Permission.PRESCRIBE)
def medicines() -> str:
    """Options of the medicine field: complete doses that fit the patient of `?encounter=`, then medicines with another
    dose; without an encounter the doses for everybody."""
    text, patient = search_text(request.args.get("q"), longest=255), formulary.UNKNOWN_PATIENT
    encounter_id = parse_record_id(request.args.get("encounter", ""))
    if encounter_id is not None:
        patient = patient_context.load_dose_facts(queries.get_encounter(encounter_id, current_person()).patient_id)
    rows = formulary.list_choices(text, patient)
    return render_template("clinical/_medicines.html", rows=rows)


@pages.post("/clinical/dose")
@requires(Permission.PRESCRIBE)
def dose() -> ResponseReturnValue:
    """The dose fields as a sentence (JSON), and nothing is saved; the body has the names of the form."""
    form = EncounterForm()
    form.validate()
    return prescription_form.preview(form)
