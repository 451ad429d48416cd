"""Pages of the queue: whose medicines wait, giving them out, a line by itself, labels and returns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from hms.core import clock
from hms.core.actions import action_context
from hms.core.api import read_log
from hms.core.errors import Conflict, NotFound
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import translate_error
from hms.core.web.template_filters import person_name
from hms.formulary.dosing import product_text
from hms.formulary.dosing.strengths import keep_units_together
from hms.patients.access import policy
from hms.pharmacy.blueprints import pages
from hms.pharmacy.forms import LineForm, ReasonForm, ReturnForm, visit_form
from hms.pharmacy.models import Dispense

from . import actions, dispensed_queries, holds, queries, returns
from . import labels as dispensing_labels

SHOWN = (*queries.SHOWN, "done")
MAX_LABELS = 30
PLACE = ("show", "before", "after", "open")
"""What in the address says which rows are shown."""


def _shown() -> str:
    asked = request.args.get("show", "waiting")
    return asked if asked in SHOWN else "waiting"


def _ids(text: str) -> list[int]:
    """Ids of an address, "12,13"; what is no id is left out."""
    ids = [parse_record_id(part) for part in text.split(",")[:MAX_LABELS]]
    return [one for one in ids if one is not None]


def _place(text: str) -> tuple[datetime, int, int] | None:
    """Where the last page ended, "<microseconds>.<encounter>.<patient>"."""
    numbers = [number for part in text.split(".") if (number := parse_record_id(part)) is not None]
    if len(numbers) != 3 or text.count(".") != 2:
        return None
    microseconds, encounter_id, patient_id = numbers
    instant = datetime.fromtimestamp(min(microseconds, 4 * 10**15) // 10**6, UTC)
    return instant.replace(microsecond=microseconds % 10**6), encounter_id, patient_id


def _older(rows: list[Any], show: str) -> str | None:
    if len(rows) <= queries.PAGE:
        return None
    last = rows[queries.PAGE - 1]
    micros = int(last.since.timestamp()) * 10**6 + last.since.microsecond
    return url_for("pharmacy.queue", show=show, after=f"{micros}.{last.encounter_id or 0}.{last.patient_id}")


def _queue() -> dict[str, Any]:
    """What the rows show: the visits of the heading, one of them opened, or what was given today. Of records that are
    closed to the person it is said whose they are, and where they are opened with a reason."""
    show = _shown()
    if show == "done":
        given = dispensed_queries.given_on(
            clock.today(), before=request.args.get("before", type=int), limit=queries.PAGE + 1
        )
        shown = given[: queries.PAGE]
        doors = _note_given(shown)
        return {"show": show, "given": shown, "older": _earlier(given), "closed": doors.closed}
    rows = queries.waiting(show, after=_place(request.args.get("after", "")), limit=queries.PAGE + 1)
    keys = [(row.encounter_id, row.patient_id) for row in rows[: queries.PAGE]]
    visits = queries.visits(
        keys, (*queries.SHOWN[show], *(("on_hold",) if show == "waiting" else ())), who=current_person()
    )
    _note_board((one.patient.id, one.is_emergency) for one in visits if not one.is_closed)
    asked = request.args.get("open", "")
    givable = [v for v in visits if v.given_now and v.encounter_id]
    readable = [v for v in visits if not v.is_closed]
    opened = next((v for v in readable if v.key == asked), next(iter(givable or readable), None))
    form = visit_form(opened) if opened is not None and opened.encounter_id and opened.given_now else None
    return {"show": show, "visits": visits, "opened": opened, "form": form, "older": _older(rows, show)}


def _note_given(given: Sequence[Dispense]) -> policy.RecordAccess:
    """Note those whose records are open to the person; the answer tells which are not."""
    doors = policy.record_access((one.patient for one in given), current_person())
    _note_board(
        (one.patient_id, one.patient_id in doors.emergency) for one in given if one.patient_id not in doors.closed
    )
    return doors


def _note_board(shown: Iterable[tuple[int, bool]]) -> None:
    """Write to the trail whose medicines were shown: a patient's id, and whether the record is open with a reason."""
    marked = {True: policy.EMERGENCY, False: None}
    seen = [read_log.Seen(patient_id, purpose=marked[in_emergency]) for patient_id, in_emergency in shown]
    read_log.note_each("pharmacy.read_board", seen, entity="prescription")


def _earlier(given: Any) -> str | None:
    return (
        url_for("pharmacy.queue", show="done", before=given[queries.PAGE - 1].id) if len(given) > queries.PAGE else None
    )


@pages.get("/")
@requires(Permission.DISPENSE)
def queue() -> str:
    """Prescriptions to dispense, the longest waiting visit opened; `?given=` names what was just handed out."""
    done = _just_given()
    kept = {name: request.args[name] for name in PLACE if request.args.get(name)}
    return render_template("pharmacy/queue.html", counts=queries.counts(), done=done, kept=kept, **_queue())


def _of_first_patient(dispenses: Sequence[Dispense]) -> list[Dispense]:
    """Those for the same patient as the first."""
    return [one for one in dispenses if one.patient_id == dispenses[0].patient_id]


def _just_given() -> list[Dispense]:
    """The dispenses that `?given=` names, of one patient: of an address that mixes patients only the first one's."""
    named = dispensed_queries.dispenses(_ids(request.args.get("given", "")))
    closed = policy.record_access((one.patient for one in named), current_person()).closed
    done = [one for one in _of_first_patient(named) if one.patient_id not in closed]
    if done:
        first = done[0]
        read_log.note("pharmacy.read_dispense", first.patient_id, entity="dispense", entity_id=first.id, renews=True)
    return done


@pages.get("/rows")
@requires(Permission.DISPENSE)
def rows() -> str:
    """The live part of the queue."""
    return render_template("pharmacy/_queue.html", counts=queries.counts(), **_queue())


@pages.route("/prescriptions/<int:encounter_id>", methods=["GET", "POST"])
@requires(Permission.DISPENSE)
def visit(encounter_id: int) -> ResponseReturnValue:
    """One visit's medicines; posting gives what is written in its lines, all or nothing."""
    seen = queries.visit(encounter_id, current_person())
    form = visit_form(seen)
    if form.save(actions.dispense_all, by=current_person(), encounter_id=encounter_id):
        given = ",".join(str(one.id) for one in form.result)
        return redirect(url_for("pharmacy.queue", given=given), 303)
    if form.is_submitted():
        seen = queries.visit(encounter_id, current_person())
    read_log.note("pharmacy.read_prescription", seen.patient.id, entity="encounter", entity_id=encounter_id)
    return render_template("pharmacy/visit.html", visit=seen, form=form), form.status


def _line_page(prescription_id: int, form: Any = None, reasons: Any = None) -> ResponseReturnValue:
    seen = queries.line(prescription_id, current_person())
    line = seen.lines[0]
    held = queries.batches_of([line.row.medication_id]).get(line.row.medication_id, []) if line.medicine else []
    if form is None:
        form = LineForm(formdata=None)
        form.batch.choices = _batch_choices(held)
        form.quantity.data = line.offered
    reasons = reasons or ReasonForm(formdata=None)
    status = max(form.status, reasons.status)
    given = dispensed_queries.dispenses_of(prescription_id)
    read_log.note("pharmacy.read_prescription", seen.patient.id, entity="prescription", entity_id=prescription_id)
    page = {"visit": seen, "line": line, "form": form, "reasons": reasons, "given": given, "held": held}
    return render_template("pharmacy/line.html", **page), status


def _batch_choices(held: list[Any]) -> list[tuple[int, str]]:
    return [(0, _("Earliest expiry first"))] + [
        (batch.id, _("%(lot)s, %(count)s left", lot=batch.lot_number, count=batch.quantity)) for batch in held
    ]


@pages.get("/lines/<int:prescription_id>")
@requires(Permission.DISPENSE)
def line(prescription_id: int) -> ResponseReturnValue:
    """One line: give it from a batch of choice, query it, hold it, close it, see what was given."""
    return _line_page(prescription_id)


@pages.post("/lines/<int:prescription_id>/dispense")
@requires(Permission.DISPENSE)
def give(prescription_id: int) -> ResponseReturnValue:
    """Give one line."""
    row = queries.line(prescription_id, current_person()).lines[0].row
    held = queries.batches_of([row.medication_id]).get(row.medication_id, [])
    form = LineForm()
    form.batch.choices = _batch_choices(held)
    if form.save(actions.dispense, by=current_person(), prescription_id=prescription_id):
        return redirect(url_for("pharmacy.queue", given=form.result.id), 303)
    return _line_page(prescription_id, form=form)


ASIDE = {"query": holds.query_prescriber, "hold": holds.hold, "close": holds.close}


@pages.post("/lines/<int:prescription_id>/<any(query,hold,close):what>")
@requires(Permission.DISPENSE)
def put_aside(prescription_id: int, what: str) -> ResponseReturnValue:
    """Query the prescriber, hold the line, or close it without the rest."""
    form = ReasonForm()
    if not form.save(ASIDE[what], by=current_person(), prescription_id=prescription_id):
        return _line_page(prescription_id, reasons=form)
    said = {
        "query": _("Query sent. The prescription is on hold"),
        "hold": _("On hold"),
        "close": _("Prescription closed"),
    }
    flash(said[what], "success")
    return redirect(url_for("pharmacy.queue"), 303)


@pages.post("/lines/<int:prescription_id>/resume")
@requires(Permission.DISPENSE)
def resume(prescription_id: int) -> ResponseReturnValue:
    """Take a line off hold."""
    try:
        holds.resume(prescription_id, by=current_person())
    except Conflict as refusal:
        flash(translate_error(refusal), "caution")
        return redirect(url_for("pharmacy.line", prescription_id=prescription_id), 303)
    flash(_("Prescription resumed"), "success")
    return redirect(url_for("pharmacy.line", prescription_id=prescription_id), 303)


def _open_dispenses(ids: list[int]) -> Sequence[Dispense]:
    """These dispenses; `RecordRestricted` when the record of one is closed to the person."""
    given = dispensed_queries.dispenses(ids)
    for whom in {one.patient for one in given}:
        policy.check(whom, current_person())
    return given


def _labels(ids: list[int]) -> str:
    given = _of_first_patient(_open_dispenses(ids))  # a sheet of labels is for one patient
    if not given:
        raise NotFound(N_("This label does not exist."))
    told = {one.id: dispensing_labels.directions(one.prescription, one.medication) for one in given}
    forms = {one.id: keep_units_together(product_text.form_strength(one.medication)) for one in given}
    seen = [read_log.Seen(one.patient_id, one.id) for one in given]
    with action_context("pharmacy.read_label", current_person()):
        read_log.record("pharmacy.read_label", current_person(), seen, entity="dispense")
    title = ngettext(
        "Label for %(name)s", "%(num)s labels for %(name)s", len(given), name=person_name(given[0].patient)
    )
    return render_template("pharmacy/labels.html", given=given, told=told, forms=forms, title=title)


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


@pages.route("/dispenses/<int:dispense_id>/return", methods=["GET", "POST"])
@requires(Permission.DISPENSE)
def take_back(dispense_id: int) -> ResponseReturnValue:
    """What comes back of a dispense."""
    given = _open_dispenses([dispense_id])
    if not given:
        raise NotFound(N_("This dispensed medicine does not exist."))
    form = ReturnForm()
    if form.save(returns.return_dispensed, by=current_person(), dispense_id=dispense_id):
        flash(_("Returned. Stock and bill were corrected"), "success")
        return redirect(url_for("pharmacy.line", prescription_id=given[0].prescription_id), 303)
    one = dispensed_queries.dispenses([dispense_id])[0]
    read_log.note("pharmacy.read_dispense", one.patient_id, entity="dispense", entity_id=dispense_id)
    return render_template("pharmacy/return.html", one=one, form=form), form.status
