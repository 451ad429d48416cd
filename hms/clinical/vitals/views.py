"""Pages: record vital signs from the queue, an encounter or the chart; correct them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from typing import Any

from flask import flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from hms.appointments.enums import PRIORITY_LABELS
from hms.appointments.queue import extensions, transitions
from hms.clinical.blueprints import pages
from hms.clinical.encounters import queries as encounter_queries
from hms.clinical.forms import TriageForm, VitalsForm
from hms.clinical.models import VitalsReading
from hms.clinical.saturation.queries import LOW_TARGET, USUAL, current_scale
from hms.core.api import read_log
from hms.core.db.session import get_or_not_found
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.text.formatting import person_name
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.models import Patient
from hms.patients.records import banner

from . import actions, queries, readings, triage, typed_values, urgency, usual_ranges
from .actions import Unconfirmed

CHILDBEARING = range(12, 56)


def _form_page(
    patient: Patient, save: Callable[..., Any], leave: Callable[[], str], **context: Any
) -> ResponseReturnValue:
    """The vitals form of `patient`: save with `save`, then redirect to `leave()`; alarming values need confirmation."""
    policy.check(patient, current_person())
    kind = context.pop("kind", VitalsForm)
    form = kind(formdata=request.form if request.method == "POST" else None, data=context.pop("start", None))
    if "call" in context and request.form.get("do") == "call":
        _call_doctor(form, context.pop("call"))
    elif form.save(save, by=current_person()):
        flash(_("Vitals of %(name)s saved.", name=person_name(patient.family_name, patient.given_names)), "success")
        _flash_concerns(patient, form.result)
        return redirect(leave(), 303)
    read_log.record_read("clinical.read_vitals", patient.id, entity="patient", entity_id=patient.id)
    refusal = g.get("form_refusal") if request.method == "POST" else None
    age = readings.age_years(patient.birth_date)
    return render_template(
        "clinical/vitals.html",
        form=form,
        patient=patient,
        banner=banner.patient_banner(patient, current_person()),
        warnings=refusal.warnings if isinstance(refusal, Unconfirmed) else (),
        may_be_pregnant=patient.sex != "male" and (age is None or int(age) in CHILDBEARING),
        sizes=readings.last_sizes(patient.id),
        usual=triage.usual_ranges(patient),
        has_ranges=usual_ranges.are_readable(),
        age=typed_values.format_age(age),
        scale=current_scale(patient.id),
        **{"is_correction": False, "goes_on": False} | context,
    ), form.status


def _flash_concerns(patient: Patient, row: VitalsReading) -> None:
    """Say which saved values are critical, because the page goes on to another patient."""
    concerns = urgency.describe_concerns(readings.to_reading(row, patient.birth_date))
    if concerns:
        name = person_name(patient.family_name, patient.given_names)
        priority = transitions.get_waiting_priority(patient.id)
        waits = (
            "" if priority is None else _("Priority in the queue: %(priority)s.", priority=PRIORITY_LABELS[priority])
        )
        flash(f"{name}: {concerns}. {waits}".rstrip(), "caution")


def _call_doctor(form: TriageForm, call: Callable[..., int]) -> None:
    """Call the doctor; the typed values stay on the page and are not saved."""
    try:
        count = call(reason=form.call_reason.data or "", by=current_person())
    except RuleBroken as refusal:
        form.refuse(refusal)
        return
    form.call_reason.data = ""
    called = ngettext("The doctor was sent an alert.", "%(num)s doctors were sent an alert.", count)
    flash(" ".join((called, _("The values on this page are not saved yet."))), "caution")


@pages.post("/clinical/vitals")
@requires(Permission.RECORD_VITALS)
def typed_meaning() -> ResponseReturnValue:
    """What the typed values mean (JSON), and nothing is saved; the body has the names of the form, the age in years
    and the prescribed SpO₂ scale.

    It is a POST because addresses are written to logs, and typed values are data of a patient.
    """
    form = VitalsForm()
    form.validate()
    age = typed_values.read_age(request.form.get("age", ""))
    scale = LOW_TARGET if request.form.get("scale") == str(LOW_TARGET) else USUAL
    fields, score = typed_values.describe(form.values(), age, scale=scale)
    return jsonify(fields={name: asdict(meaning) for name, meaning in fields.items()}, news2=asdict(score))


@pages.route("/queue/<int:entry_id>/vitals", methods=["GET", "POST"])
@requires(Permission.RECORD_VITALS)
def queue_vitals(entry_id: int) -> ResponseReturnValue:
    """Record vitals of a queue entry, then open the next entry without vitals."""
    entry, _opened = encounter_queries.get_queue_entry(entry_id)
    patient = lookup.patient(entry.patient_id)

    def leave() -> str:
        following = queries.next_to_measure(entry_id) if request.form.get("do") != "save" else None
        return url_for("clinical.queue_vitals", entry_id=following) if following else "/queue/"

    return _form_page(
        patient,
        partial(triage.triage, entry_id),
        leave,
        kind=TriageForm,
        start={"priority": str(entry.priority)},
        call=partial(triage.call_doctor, entry_id),
        goes_on=True,
        token=entry.token,
    )


@pages.route("/encounters/<int:encounter_id>/vitals", methods=["GET", "POST"])
@requires(Permission.RECORD_VITALS)
def encounter_vitals(encounter_id: int) -> ResponseReturnValue:
    """Record vitals of an encounter."""
    patient = lookup.patient(encounter_queries.get_encounter(encounter_id, current_person()).patient_id)
    return _form_page(
        patient,
        lambda **typed: actions.record_vitals(patient.id, encounter_id=encounter_id, **typed),
        lambda: url_for("clinical.encounter", encounter_id=encounter_id),
    )


@pages.route("/patients/<int:patient_id>/vitals", methods=["GET", "POST"])
@requires(Permission.RECORD_VITALS)
def patient_vitals(patient_id: int) -> ResponseReturnValue:
    """Record vitals of a patient without a visit."""
    patient = lookup.patient(patient_id)
    return _form_page(
        patient, lambda **typed: actions.record_vitals(patient.id, **typed), lambda: f"/patients/{patient.id}"
    )


@pages.route("/vitals/<int:reading_id>/correct", methods=["GET", "POST"])
@requires(Permission.RECORD_VITALS)
def correct(reading_id: int) -> ResponseReturnValue:
    """Correct one's own reading of the last 24 hours; the old one stays on record."""
    old = get_or_not_found(VitalsReading, reading_id)
    patient = lookup.patient(old.patient_id)
    reason = request.form.get("reason", "")

    def save(**typed: Any) -> Any:
        return actions.correct_vitals(reading_id, reason=reason, **typed)

    return _form_page(patient, save, lambda: f"/patients/{patient.id}", is_correction=True, start=_as_typed(old))


def _as_typed(row: VitalsReading) -> dict[str, str]:
    """The form fields of a reading."""
    yes_no = {True: "yes", False: "no", None: ""}
    typed = {key: f"{value:f}" for key, value in readings.values(row).items()}
    if "systolic" in typed:
        typed["blood_pressure"] = f"{typed.pop('systolic')}/{typed.pop('diastolic', '')}"
    circumstances = {"on_oxygen": yes_no[row.on_oxygen], "is_pregnant": yes_no[row.is_pregnant]}
    return typed | circumstances | {"consciousness": row.consciousness, "note": row.note}


def words_for_board(entry_ids: Iterable[int]) -> dict[int, str]:
    """The note of each queue entry with vitals: unusual values for clinical staff, else only that they are recorded."""
    may_read = encounter_queries.may_read_clinical(current_person())
    return {
        row.queue_entry_id: _board_words(row) if may_read and row.is_open else _("Recorded")
        for row in queries.vitals_of_waiting(entry_ids, current_person())
    }


def _board_words(row: Any) -> str:
    reading = readings.to_reading(row, row.birth_date)
    return urgency.board_note(reading, knows_age=row.birth_date is not None)


extensions.add_note_source(words_for_board)
