"""Pages: one encounter; a form while it is open, the record with addenda after signing."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf

from hms.appointments.queue import actions as queue
from hms.billing.follow_ups import queries as follow_ups
from hms.clinical import signing
from hms.clinical.blueprints import pages
from hms.clinical.diagnoses import codes
from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.encounters import drafts, queries
from hms.clinical.forms import AddendumForm, EncounterForm, OrderForm
from hms.clinical.models import Encounter
from hms.clinical.prescriptions import actions as prescription_actions
from hms.clinical.prescriptions import patient_context
from hms.clinical.prescriptions.refused_alerts import noting_refusals
from hms.clinical.reason_boxes import ORDER, SIGNATURE
from hms.core.db.session import get_or_not_found
from hms.core.errors import Conflict, NotAllowed, RuleBroken, StaleVersion
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.formatting import clock_time
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import translate
from hms.formulary.medicines import queries as formulary

from . import form_handler, page_data, prescription_form

BUTTONS_LEAVING_PAGE = ("vitals", "sign", "sign_next", "use")


def is_own_draft(encounter: Encounter, who: Person) -> bool:
    """Whether `who` may write this encounter: it is open and their own."""
    return encounter.status == "in_progress" and encounter.doctor_id == who.id and who.may(Permission.WRITE_ENCOUNTER)


@pages.get("/encounters/<int:encounter_id>")
@requires(Permission.OPEN_CHART)
def encounter(encounter_id: int) -> str:
    """The form for the encounter's doctor while it is open, else the record to read."""
    who = current_person()
    encounter_page = page_data.load_page(encounter_id, who)
    if not is_own_draft(encounter_page.encounter, who):
        return _signed_page(encounter_page, AddendumForm(formdata=None))
    form, restored = form_handler.fill_form(
        encounter_page, page=request.args.get("page", ""), wanted=request.args.get("typed", "")
    )
    return _encounter_page(encounter_page, form, restored=restored)


def _signed_page(encounter_page: page_data.EncounterPage, form: AddendumForm, **more: Any) -> str:
    different = [
        unsaved for unsaved in encounter_page.unsaved if drafts.changed_fields(encounter_page.encounter, unsaved.fields)
    ]
    context = {"order": OrderForm(formdata=None), "order_id": None} | more
    context["is_own"] = encounter_page.encounter.doctor_id == current_person().id and current_person().may(
        Permission.PRESCRIBE
    )
    context["unsaved_texts"] = form_handler.describe_unsaved(different, encounter_page.encounter)
    return render_template("clinical/signed.html", page=encounter_page, form=form, **context)


def _encounter_page(encounter_page: page_data.EncounterPage, form: EncounterForm, **more: Any) -> str:
    this_page = form_handler.page_state(form)
    others = [unsaved for unsaved in encounter_page.unsaved if not this_page.is_source_of(unsaved)]
    context = {"restored": None, "dx_choices": (), "is_dx_similar": False, "rx_choices": ()}
    context["questions"] = encounter_page.open_questions
    stops = prescription_form.find_stops(form, encounter_page.encounter) if form.rx_asked.data else []
    context["stops"] = stops
    context["alternatives"] = prescription_form.safe_alternatives(form, encounter_page.encounter) if stops else ()
    context["unsaved_texts"] = form_handler.describe_unsaved(others, encounter_page.encounter)
    return render_template("clinical/encounter.html", page=encounter_page, form=form, **context | more)


@pages.post("/encounters/<int:encounter_id>")
@requires(Permission.WRITE_ENCOUNTER)
def write(encounter_id: int) -> ResponseReturnValue:
    """Save the page and run its button: add or remove a line, sign, or only save the draft."""
    form, who = EncounterForm(), current_person()
    form.merge_with(lambda: form_handler.stored_values(get_or_not_found(Encounter, encounter_id)))
    do, _colon, target = request.form.get("do", "draft").partition(":")
    if not form.validate_on_submit():
        return _page_with_form(encounter_id, form), 400
    if "look_up" in request.form:
        return _page_with_form(encounter_id, form, **_look_up_choices(form, encounter_id))
    if do == "insert":
        form_handler.insert_template(form, who)
        return _page_with_form(encounter_id, form)
    try:
        with noting_refusals(encounter_id):
            is_merged = _save(encounter_id, form, do, target, who)
    except StaleVersion as refusal:
        if form.merging.apply():
            form.refuse(refusal)
        is_merged = False
    except RuleBroken as refusal:
        return _refusal_page(encounter_id, form, refusal, do)
    except Conflict as refusal:
        return _conflict_page(encounter_id, form, refusal, who)
    if not is_merged:
        return _page_with_form(encounter_id, form), 409
    form_handler.save_pending_fields(encounter_id, form, do, who)
    for problem in form.left_out:
        flash(translate(problem), "caution")
    return _redirect(do, _next_address(encounter_id, form, do, target, who))


def _save(encounter_id: int, form: EncounterForm, do: str, target: str, who: Person) -> bool:
    """Save the texts and run the button in one transaction; then remove the draft of this page. False when the texts
    were changed by somebody else meanwhile, and the person has to check the merged form first."""

    def then(encounter: Encounter) -> None:
        drafts.remove_saved(encounter_id, who, form_handler.page_state(form))
        form_handler.run_button(do, target, form, encounter, who)

    if do in ("use", "forget"):
        drafts.save(encounter_id, who, form_handler.draft_fields(form), form_handler.page_state(form))
        if do == "forget":
            drafts.discard(encounter_id, who, target)
        return True
    encounter = get_or_not_found(Encounter, encounter_id)
    is_theirs = is_own_draft(encounter, who) and form.patient_id.data == encounter.patient_id
    if is_theirs and not form.merging.apply():
        return False
    opened_with = {"version": form.version.data, "patient_id": form.patient_id.data or 0}
    encounter_actions.save_encounter(encounter_id, **opened_with, then=then, by=who, **form_handler.record_fields(form))
    return True


def _conflict_page(encounter_id: int, form: EncounterForm, refusal: Conflict, who: Person) -> ResponseReturnValue:
    if refusal.code == "signed":
        return _signed_elsewhere_page(encounter_id, form, who), 409
    if refusal.field is None:
        raise refusal
    form.refuse(refusal)
    return _page_with_form(encounter_id, form), 409


def _redirect(do: str, address: str) -> ResponseReturnValue:
    """Redirect; a script that leaves the page gets the address as JSON, so that it can first finish saving."""
    if do in BUTTONS_LEAVING_PAGE and request.headers.get("X-Requested-With") == "fetch":
        return jsonify({"goto": address})
    return redirect(address, 303)


def _next_address(encounter_id: int, form: EncounterForm, do: str, target: str, who: Person) -> str:
    """The address to open after the button."""
    if do == "vitals":
        return url_for("clinical.encounter_vitals", encounter_id=encounter_id)
    if do == "sign_next":
        called = queue.call_next(by=who)
        flash(
            _("Signed. Token %(token)s is called.", token=called.token) if called else _("Signed. Nobody is waiting."),
            "success",
        )
        return url_for("clinical.start_page", entry_id=called.id) if called else "/queue/"
    if do == "sign":
        flash(_signed_message(encounter_id), "success")
    part = "diagnosis" if do.endswith("_dx") else "prescriptions" if do.endswith("_rx") else None
    if do in ("sign", "use"):
        return url_for("clinical.encounter", encounter_id=encounter_id, typed=target if do == "use" else None)
    return url_for("clinical.encounter", encounter_id=encounter_id, page=form.page.data or None, _anchor=part)


def _signed_message(encounter_id: int) -> str:
    """What the signature did: only an encounter with prescriptions sends them to the pharmacy."""
    is_sent = signing.has_signed_prescriptions(encounter_id)
    if follow_ups.is_free_follow_up(encounter_id):
        return (
            _("Signed. The prescription was sent to the pharmacy. The visit is a free follow-up.")
            if is_sent
            else _("Signed. The visit is a free follow-up: nothing is to pay for it.")
        )
    if is_sent:
        return _("Signed. The prescription was sent to the pharmacy and the consultation was added to the bill.")
    return _("Signed. The consultation was added to the bill.")


def _page_with_form(encounter_id: int, form: EncounterForm, **more: Any) -> str:
    """The page with the typed fields, which are also saved as a draft."""
    drafts.save(encounter_id, current_person(), form_handler.draft_fields(form), form_handler.page_state(form))
    encounter_page = page_data.load_page(encounter_id, current_person())
    if not is_own_draft(encounter_page.encounter, current_person()):
        return _signed_page(encounter_page, AddendumForm(formdata=None))
    return _encounter_page(encounter_page, form, **more)


def _signed_elsewhere_page(encounter_id: int, form: EncounterForm, who: Person) -> str:
    """The signed encounter with the unsaved text of this page."""
    flash(
        _("This encounter was signed on another page. Your text is saved below. Add it as an addendum."),
        "stop",
    )
    return _page_with_form(encounter_id, form)


def _refusal_page(encounter_id: int, form: EncounterForm, refusal: RuleBroken, do: str) -> ResponseReturnValue:
    """The page with the error at its field; findings that need a reason have boxes for it."""
    more: dict[str, Any] = {}
    keys = [question["key"] for question in refusal.details.get("questions", ())]
    was_asked = bool(form.rx_asked.data)
    if refusal.field == "override_reason" and do in ("sign", "sign_next"):
        more["questions"] = signing.find_open_questions(get_or_not_found(Encounter, encounter_id))
        form.why.mark(SIGNATURE, keys)
    elif refusal.field == "override_reason":
        form.rx_asked.data = "1"
        if not was_asked:
            return _page_with_form(encounter_id, form), 400
        form.why.mark(ORDER, keys)
    form.refuse(RuleBroken.from_error(refusal, form.BLAMED.get(refusal.field or "", refusal.field)))
    return _page_with_form(encounter_id, form, **more), 400


def _look_up_choices(form: EncounterForm, encounter_id: int) -> dict[str, Any]:
    """The options for the typed text, for browsers without JavaScript."""
    if request.form["look_up"] == "dx":
        found = codes.find_codes(form.dx.data or "")
        choices = [(row.code, f"{row.title} ({row.code})") for row in found.rows]
        return {"dx_choices": choices, "is_dx_similar": found.is_similar}
    _encounter, patient = queries.get_encounter_with_patient(encounter_id, current_person())
    doses = formulary.list_choices(form.rx.data or "", patient_context.load_dose_facts(patient.id))
    return {"rx_choices": [(dose.value, dose.words + (f" ({dose.note})" if dose.is_custom else "")) for dose in doses]}


@pages.get("/encounters/<int:encounter_id>/draft")
@requires(Permission.WRITE_ENCOUNTER)
def draft_key(encounter_id: int) -> ResponseReturnValue:
    """A new CSRF token for a page that is older than its session; only for the encounter's doctor."""
    if queries.get_encounter(encounter_id, current_person()).doctor_id != current_person().id:
        raise NotAllowed(N_("This encounter belongs to a colleague."))
    return {"csrf_token": generate_csrf()}


@pages.post("/encounters/<int:encounter_id>/draft")
@requires(Permission.WRITE_ENCOUNTER)
def draft(encounter_id: int) -> ResponseReturnValue:
    """Save the typed fields as a draft; the page's script calls it every few seconds."""
    encounter, who = queries.get_encounter(encounter_id, current_person()), current_person()
    if encounter.doctor_id != who.id:
        raise NotAllowed(N_("This encounter belongs to a colleague."))
    typed = request.get_json()
    if not isinstance(typed, dict):
        raise RuleBroken(N_("The request could not be read. Send it again."))
    origin = drafts.PageState.from_fields(typed)
    saved = drafts.save(encounter_id, who, form_handler.known_fields(typed), origin)
    if encounter.status != "in_progress":
        raise Conflict(
            N_("This encounter was signed on another page. Open it again and add your text as an addendum."),
            code="signed",
        )
    return {
        "saved_at": clock_time(saved[0].saved_at, seconds=True),
        "notice": _other_page_notice(encounter, origin, len(saved)),
    }


def _other_page_notice(encounter: Encounter, origin: drafts.PageState, count: int) -> str:
    """The notice about other open pages of the same encounter; "" when there is none."""
    if 0 < origin.version < encounter.version:
        return _("This encounter was saved on another page. When you save here, you will see both texts.")
    return (
        _("There is more unsaved text for this encounter on another page. Both texts are saved as drafts.")
        if count > 1
        else ""
    )


@pages.post("/encounters/<int:encounter_id>/unsaved")
@requires(Permission.WRITE_ENCOUNTER)
def forget_unsaved(encounter_id: int) -> ResponseReturnValue:
    """Discard unsaved text of a signed encounter."""
    drafts.discard(encounter_id, current_person(), request.form.get("page", ""))
    return redirect(url_for("clinical.encounter", encounter_id=encounter_id), 303)


@pages.post("/encounters/<int:encounter_id>/orders/<int:line_id>")
@requires(Permission.PRESCRIBE)
def order(encounter_id: int, line_id: int) -> ResponseReturnValue:
    """Answer the pharmacy's query about a signed prescription, or stop it."""
    form, act = OrderForm(), prescription_actions.stop_prescription
    if request.form.get("do") == "answer":
        act = prescription_actions.answer_query
    if form.save(lambda text, by: act(line_id, text=text, encounter_id=encounter_id, by=by), by=current_person()):
        return redirect(url_for("clinical.encounter", encounter_id=encounter_id, _anchor="orders"), 303)
    encounter_page = page_data.load_page(encounter_id, current_person())
    return _signed_page(encounter_page, AddendumForm(formdata=None), order=form, order_id=line_id), form.status


@pages.post("/encounters/<int:encounter_id>/addenda")
@requires(Permission.ADD_ADDENDUM)
def add_to(encounter_id: int) -> ResponseReturnValue:
    """Add an addendum to a signed encounter."""
    form = AddendumForm()
    if form.save(lambda text, by: encounter_actions.add_addendum(encounter_id, text=text, by=by), by=current_person()):
        return redirect(url_for("clinical.encounter", encounter_id=encounter_id, _anchor="addenda"), 303)
    form.text.errors = [*form.text.errors, *form.form_errors]
    form.form_errors = []
    return _signed_page(page_data.load_page(encounter_id, current_person()), form), form.status
