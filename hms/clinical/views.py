"""Pages: the encounter, and the lists that open under its fields. Vital signs have their own file."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.appointments import actions as queue
from hms.core import clock, drafts
from hms.core.errors import Conflict, NotAllowed, RuleBroken, Stale
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.web import needs, person
from hms.formulary import queries as formulary
from hms.patients import queries as patients

from . import actions, codes, filling, page, queries, readings
from .encounters import draft_name
from .forms import AddendumForm, EncounterForm
from .models import Encounter

pages = Blueprint("clinical", __name__)


def is_own_draft(encounter: Encounter, who: Person) -> bool:
    """Whether `who` may still write this encounter."""
    return encounter.status == "in_progress" and encounter.doctor_id == who.id and who.may(Action.WRITE_ENCOUNTER)


@pages.get("/encounters/<int:encounter_id>")
@needs(Action.OPEN_CHART)
def encounter(encounter_id: int) -> str:
    """The encounter: to write for its doctor while it is open, to read for all who care."""
    who = person()
    if not queries.reads_clinical(who):
        raise NotAllowed(_("Open this record with a reason (break-glass) first."))
    seen = page.gather(encounter_id, who)
    if not is_own_draft(seen.encounter, who):
        return render_template("clinical/signed.html", page=seen, form=AddendumForm(formdata=None))
    form, restored = filling.filled(seen)
    return _encounter_page(seen, form, restored=restored)


def _encounter_page(seen: page.EncounterPage, form: EncounterForm, **more: Any) -> str:
    shown = {"restored": None, "stop": "", "theirs": None, "dx_choices": (), "rx_choices": ()} | more
    return render_template("clinical/encounter.html", page=seen, form=form, **shown)


@pages.post("/encounters/<int:encounter_id>")
@needs(Action.WRITE_ENCOUNTER)
def write(encounter_id: int) -> ResponseReturnValue:
    """Save the page, and do what its button says: add or remove a line, sign, or only keep the draft."""
    form, who = EncounterForm(), person()
    if not form.validate_on_submit():
        return _again(encounter_id, form), 400
    if "look_up" in request.form:
        return _again(encounter_id, form, **_looked_up(form, encounter_id))
    do, _colon, target = request.form.get("do", "draft").partition(":")
    try:
        actions.save_encounter(
            encounter_id,
            version=form.version.data,
            patient_id=form.patient_id.data or 0,
            then=lambda written: filling.step(do, target, form, written, who),
            by=who,
            **filling.texts(form),
        )
    except Stale:
        return _stale(encounter_id, form)
    except RuleBroken as refusal:
        return _refused(encounter_id, form, refusal, do)
    filling.keep_what_is_pending(encounter_id, form, do, who)
    return redirect(_after(encounter_id, do, who), 303)


def _after(encounter_id: int, do: str, who: Person) -> str:
    """Where the button leads."""
    if do == "vitals":
        return url_for("clinical.encounter_vitals", encounter_id=encounter_id)
    if do == "sign_next":
        called = queue.call_next(by=who)
        flash(
            _("Signed. Token %(token)s is called.", token=called.token) if called else _("Signed. Nobody waits."),
            "success",
        )
        return url_for("clinical.start_page", entry_id=called.id) if called else "/queue/"
    if do == "sign":
        flash(_("Signed. The prescription is at the pharmacy, the consultation on the bill."), "success")
    part = "diagnosis" if do.endswith("_dx") else "prescriptions" if do.endswith("_rx") else None
    return url_for("clinical.encounter", encounter_id=encounter_id, _anchor=part)


def _again(encounter_id: int, form: EncounterForm, **more: Any) -> str:
    """The page once more with everything typed, which is also kept as a draft."""
    drafts.save(person().id, draft_name(encounter_id), filling.content(form))
    seen = page.gather(encounter_id, person())
    if not is_own_draft(seen.encounter, person()):
        raise Conflict(_("This encounter is signed and cannot be changed. Add an addendum."), code="signed")
    form.version.typed = None
    form.version.data = seen.encounter.version
    return _encounter_page(seen, form, **more)


def _stale(encounter_id: int, form: EncounterForm) -> ResponseReturnValue:
    """Both texts: what is saved stands beside what was typed; saving again keeps what is in the form."""
    return _again(encounter_id, form, theirs=True), 409


def _refused(encounter_id: int, form: EncounterForm, refusal: RuleBroken, do: str) -> ResponseReturnValue:
    """The page with the refusal at its field; a safety stop has its own box, which asks for the reason."""
    is_stop = refusal.field == "override_reason" and do == "add_rx"
    if is_stop and not form.override_code.data:
        return _again(encounter_id, form, stop=refusal.message), 400
    form.refuse(RuleBroken(refusal.message, form.BLAMED.get(refusal.field or "", refusal.field)))
    return _again(encounter_id, form, stop=_("This safety alert still needs its reason.") if is_stop else ""), 400


def _looked_up(form: EncounterForm, encounter_id: int) -> dict[str, Any]:
    """The choices for what was typed, for pages without JavaScript."""
    if request.form["look_up"] == "dx":
        return {"dx_choices": [(one.code, f"{one.title} ({one.code})") for one in codes.find(form.dx.data or "")]}
    whom = patients.patient(queries.encounter_found(encounter_id).patient_id)
    found = formulary.choices(form.rx.data or "", age_years=readings.age_years(whom.birth_date))
    return {"rx_choices": [(one.value, one.words + (f" ({one.note})" if one.is_custom else "")) for one in found]}


@pages.post("/encounters/<int:encounter_id>/draft")
@needs(Action.WRITE_ENCOUNTER)
def draft(encounter_id: int) -> ResponseReturnValue:
    """Keep what is typed, every few seconds; nothing of the record changes."""
    encounter = queries.encounter_found(encounter_id)
    if not is_own_draft(encounter, person()):
        raise Conflict(_("This encounter is signed. Nothing more is kept here."), code="signed")
    typed = request.get_json()
    if not isinstance(typed, dict):
        raise RuleBroken(_("The request could not be read."))
    kept = drafts.save(person().id, draft_name(encounter_id), filling.known(typed))
    return {"saved_at": f"{clock.local(kept.saved_at):%H:%M:%S}"}


@pages.post("/encounters/<int:encounter_id>/addenda")
@needs(Action.ADD_ADDENDUM)
def add_to(encounter_id: int) -> ResponseReturnValue:
    """Add to a signed encounter."""
    form = AddendumForm()
    if form.save(lambda text, by: actions.add_addendum(encounter_id, text=text, by=by), by=person()):
        return redirect(url_for("clinical.encounter", encounter_id=encounter_id, _anchor="addenda"), 303)
    form.text.errors = [*form.text.errors, *form.form_errors]
    form.form_errors = []
    return render_template("clinical/signed.html", page=page.gather(encounter_id, person()), form=form), form.status


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
    return render_template(
        "clinical/start.html", entry=entry, patient=whom, banner=patients.patient_banner(whom, person())
    )


@pages.post("/queue/<int:entry_id>/start")
@needs(Action.WRITE_ENCOUNTER)
def start(entry_id: int) -> ResponseReturnValue:
    """The patient is in the room: open the encounter."""
    started = actions.start_encounter(queue_entry_id=entry_id, by=person())
    return redirect(url_for("clinical.encounter", encounter_id=started.id), 303)


@pages.get("/clinical/diagnoses")
@needs(Action.WRITE_ENCOUNTER)
def diagnoses() -> str:
    """Rows for the diagnosis box."""
    return render_template("clinical/_diagnoses.html", rows=codes.find(request.args.get("q", "")[:255]))


@pages.get("/clinical/medicines")
@needs(Action.PRESCRIBE)
def medicines() -> str:
    """Rows for the medicine box: complete doses, those for the patient's age first."""
    age = request.args.get("months", "")
    years = readings.from_months(age)
    return render_template(
        "clinical/_medicines.html", rows=formulary.choices(request.args.get("q", "")[:255], age_years=years)
    )


from . import vitals_views  # noqa: E402, F401 - its routes are on the same blueprint
