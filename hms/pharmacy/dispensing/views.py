"""Pages of dispensing: the queue, a visit, a line, labels and returns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from hms.billing.corrections.credits import ChargeUndone
from hms.core import clock
from hms.core.actions import action_context
from hms.core.api import read_log
from hms.core.errors import Conflict, NotFound
from hms.core.exports.page_lists import PageList, export_response
from hms.core.exports.registry import offer_page_export
from hms.core.permissions import Permission
from hms.core.text.cleaning import search_text
from hms.core.text.numbers import parse_record_id
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import translate_error
from hms.core.web.parameters import Choice, Search, parameters
from hms.core.web.template_filters import person_name
from hms.formulary.dosing import product_text
from hms.formulary.dosing.strengths import keep_units_together
from hms.patients.access import policy
from hms.pharmacy.blueprints import pages
from hms.pharmacy.exports import TO_DISPENSE
from hms.pharmacy.forms import LineForm, ReasonForm, ReturnForm, visit_form
from hms.pharmacy.models import Dispense

from . import actions, dispensed_queries, holds, queries, returns
from . import labels as dispensing_labels

SHOWN = (*queries.SHOWN, "done")
MAX_LABELS = 30
LIST_PARAMETERS = ("show", "q", "before", "after", "open")
"""The query parameters that choose the rows of the queue."""


def _heading() -> str:
    """The heading of the queue in the address: one of `SHOWN`."""
    show = request.args.get("show", "waiting")
    return show if show in SHOWN else "waiting"


def _ids(text: str) -> list[int]:
    """The ids in an address, "12,13"; parts that are no id are left out."""
    ids = [parse_record_id(part) for part in text.split(",")[:MAX_LABELS]]
    return [record_id for record_id in ids if record_id is not None]


def _page_end(text: str) -> tuple[datetime, int, int] | None:
    """The sort key of the last row of the page before: "<microseconds>.<encounter>.<patient>"."""
    numbers = [number for part in text.split(".") if (number := parse_record_id(part)) is not None]
    if len(numbers) != 3 or text.count(".") != 2:
        return None
    microseconds, encounter_id, patient_id = numbers
    instant = datetime.fromtimestamp(min(microseconds, 4 * 10**15) // 10**6, UTC)
    return instant.replace(microsecond=microseconds % 10**6), encounter_id, patient_id


def _older(rows: list[Any], show: str, q: str) -> str | None:
    if len(rows) <= queries.PAGE:
        return None
    last = rows[queries.PAGE - 1]
    microseconds = int(last.since.timestamp()) * 10**6 + last.since.microsecond
    after = f"{microseconds}.{last.encounter_id or 0}.{last.patient_id}"
    return url_for("pharmacy.queue", show=show, q=q or None, after=after)


def _queue() -> dict[str, Any]:
    """The variables of the queue's rows: the visits of the heading with one of them opened, or today's dispenses. A
    restricted record shows only the patient's name and a link to open it with a reason."""
    show, q = _heading(), search_text(request.args.get("q"))
    if show == "done" and not q:
        given = dispensed_queries.given_on(
            clock.today(), before=request.args.get("before", type=int), limit=queries.PAGE + 1
        )
        shown = given[: queries.PAGE]
        access = _note_given(shown)
        return {"show": show, "q": q, "given": shown, "older": _earlier(given), "closed": access.closed}
    show = show if show in queries.SHOWN else "waiting"
    who, after = current_person(), _page_end(request.args.get("after", ""))
    rows = queries.waiting(show, after=after, limit=queries.PAGE + 1, q=q, who=who)
    keys = [(row.encounter_id, row.patient_id) for row in rows[: queries.PAGE]]
    visits = queries.visits(keys, _line_statuses(show, q), who=who)
    _note_board((visit.patient.id, visit.is_emergency) for visit in visits if not visit.is_closed)
    open_key = request.args.get("open", "")
    givable = [v for v in visits if v.given_now and v.encounter_id]
    readable = [v for v in visits if not v.is_closed]
    opened = next((v for v in readable if v.key == open_key), next(iter(givable or readable), None))
    form = visit_form(opened) if opened is not None and opened.encounter_id and opened.given_now else None
    return {"show": show, "q": q, "visits": visits, "opened": opened, "form": form, "older": _older(rows, show, q)}


@requires(Permission.DISPENSE)
def export_queue() -> Response:
    """The visits of the queue's heading, or of the patients that were searched for, as a file."""
    show, q, who = request.args.get("show") or "waiting", search_text(request.args.get("q")), current_person()
    seen: list[read_log.PatientRead] = []

    def fetch(last: Any | None, limit: int) -> list[Any]:
        after = None if last is None else (last.since, last.encounter_id or 0, last.patient_id)
        return queries.waiting(show, after=after, limit=limit, q=q, who=who)

    def project(row: Any) -> dict[str, Any]:
        seen.append(read_log.PatientRead(row.patient_id))
        return {"since": row.since, "patient": row.patient_id, "lines": row.lines}

    response = export_response(PageList(fetch), project)
    read_log.record_reads("pharmacy.read_board", seen, entity="prescription")
    return response


offer_page_export(export_queue, TO_DISPENSE, parameters(show=Choice(queries.SHOWN), q=Search()))


def _line_statuses(show: str, q: str) -> tuple[str, ...]:
    """The lines that are shown of each visit: with those to dispense, those on hold."""
    if q:
        return queries.OPEN
    return (*queries.SHOWN[show], *(("on_hold",) if show in ("waiting", "older") else ()))


def _note_given(given: Sequence[Dispense]) -> policy.RecordAccess:
    """Record the read of the dispenses whose records the person may open; returns the access to all of them."""
    access = policy.record_access((dispense.patient for dispense in given), current_person())
    patient_ids = [dispense.patient_id for dispense in given if dispense.patient_id not in access.closed]
    _note_board((patient_id, patient_id in access.emergency) for patient_id in patient_ids)
    return access


def _note_board(shown: Iterable[tuple[int, bool]]) -> None:
    """Record the read of the patients shown: pairs of patient id and whether it is an emergency access."""
    purposes = {True: policy.EMERGENCY, False: None}
    patient_reads = [
        read_log.PatientRead(patient_id, purpose=purposes[in_emergency]) for patient_id, in_emergency in shown
    ]
    read_log.record_reads("pharmacy.read_board", patient_reads, entity="prescription")


def _earlier(given: Any) -> str | None:
    return (
        url_for("pharmacy.queue", show="done", before=given[queries.PAGE - 1].id) if len(given) > queries.PAGE else None
    )


@pages.get("/")
@requires(Permission.DISPENSE)
def queue() -> str:
    """Prescriptions to dispense, with the newest visit opened; `?given=` has the ids of the last dispensing."""
    done, listed = _just_given(), _queue()
    kept = {name: request.args[name] for name in LIST_PARAMETERS if request.args.get(name)}
    if listed.get("opened"):  # a newer visit must not take the place of the one that is worked on
        kept["open"] = listed["opened"].key
    return render_template("pharmacy/queue.html", counts=queries.counts(), done=done, kept=kept, **listed)


def _of_first_patient(dispenses: Sequence[Dispense]) -> list[Dispense]:
    """The dispenses for the same patient as the first."""
    return [dispense for dispense in dispenses if dispense.patient_id == dispenses[0].patient_id]


def _just_given() -> list[Dispense]:
    """The dispenses with the ids in `?given=`; when they are of several patients, only those of the first."""
    dispenses = dispensed_queries.dispenses(_ids(request.args.get("given", "")))
    closed = policy.record_access((dispense.patient for dispense in dispenses), current_person()).closed
    done = [dispense for dispense in _of_first_patient(dispenses) if dispense.patient_id not in closed]
    if done:
        first = done[0]
        read_log.record_read(
            "pharmacy.read_dispense", first.patient_id, entity="dispense", entity_id=first.id, renews=True
        )
    return done


@pages.get("/rows")
@requires(Permission.DISPENSE)
def rows() -> str:
    """The part of the queue that refreshes itself."""
    return render_template("pharmacy/_queue.html", counts=queries.counts(), **_queue())


@pages.route("/prescriptions/<int:encounter_id>", methods=["GET", "POST"])
@requires(Permission.DISPENSE)
def visit(encounter_id: int) -> ResponseReturnValue:
    """The medicines of one visit; POST dispenses the entered quantities, all or nothing."""
    visit_ = queries.visit(encounter_id, current_person())
    form = visit_form(visit_)
    if form.save(actions.dispense_all, by=current_person(), encounter_id=encounter_id):
        given = ",".join(str(result.id) for result in form.result)
        return redirect(url_for("pharmacy.queue", given=given), 303)
    if form.is_submitted():
        visit_ = queries.visit(encounter_id, current_person())
    read_log.record_read("pharmacy.read_prescription", visit_.patient.id, entity="encounter", entity_id=encounter_id)
    return render_template("pharmacy/visit.html", visit=visit_, form=form), form.status


def _line_page(prescription_id: int, form: Any = None, reasons: Any = None) -> ResponseReturnValue:
    visit_ = queries.line(prescription_id, current_person())
    line = visit_.lines[0]
    held = queries.batches_of([line.row.medication_id]).get(line.row.medication_id, []) if line.medicine else []
    if form is None:
        form = LineForm(formdata=None)
        form.batch.choices = _batch_choices(held)
        form.quantity.data = line.offered
    reasons = reasons or ReasonForm(formdata=None)
    status = max(form.status, reasons.status)
    given = dispensed_queries.dispenses_of(prescription_id)
    read_log.record_read(
        "pharmacy.read_prescription", visit_.patient.id, entity="prescription", entity_id=prescription_id
    )
    page = {"visit": visit_, "line": line, "form": form, "reasons": reasons, "given": given, "held": held}
    return render_template("pharmacy/line.html", **page), status


def _batch_choices(held: list[Any]) -> list[tuple[int, str]]:
    return [(0, _("Earliest expiry first"))] + [
        (batch.id, _("%(lot)s, %(count)s left", lot=batch.lot_number, count=batch.quantity)) for batch in held
    ]


@pages.get("/lines/<int:prescription_id>")
@requires(Permission.DISPENSE)
def line(prescription_id: int) -> ResponseReturnValue:
    """One line: dispense it from a chosen batch, query, hold or close it, and see what was dispensed."""
    return _line_page(prescription_id)


@pages.post("/lines/<int:prescription_id>/dispense")
@requires(Permission.DISPENSE)
def give(prescription_id: int) -> ResponseReturnValue:
    """Dispense one line."""
    row = queries.line(prescription_id, current_person()).lines[0].row
    held = queries.batches_of([row.medication_id]).get(row.medication_id, [])
    form = LineForm()
    form.batch.choices = _batch_choices(held)
    if form.save(actions.dispense, by=current_person(), prescription_id=prescription_id):
        return redirect(url_for("pharmacy.queue", given=form.result.id), 303)
    return _line_page(prescription_id, form=form)


HOLD_ACTIONS = {"query": holds.query_prescriber, "hold": holds.hold, "close": holds.close}


@pages.post("/lines/<int:prescription_id>/<any(query,hold,close):what>")
@requires(Permission.DISPENSE)
def put_aside(prescription_id: int, what: str) -> ResponseReturnValue:
    """Query the prescriber, hold the line, or close it without dispensing the rest."""
    form = ReasonForm()
    if not form.save(HOLD_ACTIONS[what], by=current_person(), prescription_id=prescription_id):
        return _line_page(prescription_id, reasons=form)
    messages = {
        "query": _("Query sent. The prescription is on hold"),
        "hold": _("On hold"),
        "close": _("Prescription closed"),
    }
    flash(messages[what], "success")
    return redirect(url_for("pharmacy.queue"), 303)


@pages.post("/lines/<int:prescription_id>/resume")
@requires(Permission.DISPENSE)
def resume(prescription_id: int) -> ResponseReturnValue:
    """Take a line off hold."""
    try:
        holds.resume(prescription_id, by=current_person())
    except Conflict as error:
        flash(translate_error(error), "caution")
        return redirect(url_for("pharmacy.line", prescription_id=prescription_id), 303)
    flash(_("Prescription resumed"), "success")
    return redirect(url_for("pharmacy.line", prescription_id=prescription_id), 303)


def _open_dispenses(ids: list[int]) -> Sequence[Dispense]:
    """The dispenses with these ids; `RecordRestricted` when the person may not open one of the records."""
    dispenses = dispensed_queries.dispenses(ids)
    for patient in {dispense.patient for dispense in dispenses}:
        policy.check(patient, current_person())
    return dispenses


def _labels(ids: list[int]) -> str:
    given = _of_first_patient(_open_dispenses(ids))  # a sheet of labels is for one patient
    if not given:
        raise NotFound(N_("This label does not exist."))
    directions = {
        dispense.id: dispensing_labels.directions(dispense.prescription, dispense.medication) for dispense in given
    }
    forms = {dispense.id: keep_units_together(product_text.form_strength(dispense.medication)) for dispense in given}
    patient_reads = [read_log.PatientRead(dispense.patient_id, dispense.id) for dispense in given]
    with action_context("pharmacy.read_label", current_person()):
        read_log.record_in_transaction("pharmacy.read_label", current_person(), patient_reads, entity="dispense")
    title = ngettext(
        "Label for %(name)s", "%(num)s labels for %(name)s", len(given), name=person_name(given[0].patient)
    )
    return render_template("pharmacy/labels.html", given=given, directions=directions, forms=forms, title=title)


@pages.get("/dispenses/<int:dispense_id>/label")
@requires(Permission.DISPENSE)
def label(dispense_id: int) -> str:
    """The label of one dispense, 70 by 35 mm."""
    return _labels([dispense_id])


@pages.get("/labels")
@requires(Permission.DISPENSE)
def labels() -> str:
    """The labels of several dispenses, `?of=12,13`."""
    return _labels(_ids(request.args.get("of", "")))


def return_message(returned: returns.Returned) -> str:
    """What a return did to the stock and to the bill."""
    charge = {
        ChargeUndone.NOT_CHARGED: _("There was no charge to correct"),
        ChargeUndone.OFF_DRAFT: _("The bill was corrected"),
        ChargeUndone.CREDIT_REQUESTED: _("The bill is issued: its credit was requested and needs approval"),
        ChargeUndone.NOTHING_TO_CREDIT: _("The bill was not changed: nothing is left on it to credit"),
    }
    stock = _("Returned to stock") if returned.is_in_stock else _("Returned and written off")
    return f"{stock}. {charge[returned.charge]}"


@pages.route("/dispenses/<int:dispense_id>/return", methods=["GET", "POST"])
@requires(Permission.DISPENSE)
def take_back(dispense_id: int) -> ResponseReturnValue:
    """Record the return of a dispensed medicine."""
    dispenses = _open_dispenses([dispense_id])
    if not dispenses:
        raise NotFound(N_("This dispensed medicine does not exist."))
    form = ReturnForm()
    if form.save(returns.return_dispensed, by=current_person(), dispense_id=dispense_id):
        flash(return_message(form.result), "success")
        return redirect(url_for("pharmacy.line", prescription_id=dispenses[0].prescription_id), 303)
    dispense = dispensed_queries.dispenses([dispense_id])[0]
    read_log.record_read("pharmacy.read_dispense", dispense.patient_id, entity="dispense", entity_id=dispense_id)
    return render_template("pharmacy/return.html", dispense=dispense, form=form), form.status
