"""Pages of the shelves: the list, one medicine with its batches and ledger, adjusting, and goods received."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core import clock
from hms.core.permissions import Action
from hms.core.text import sought
from hms.core.web import needs, person

from . import actions, expiry, shelves
from .desk import pages
from .forms import AdjustForm, ReceiveForm, WriteOffForm
from .stock import KIND_WORDS


def _typed(name: str = "q") -> str:
    """What was typed into the search."""
    return sought(request.args.get(name))


@pages.get("/stock")
@needs(Action.READ_STOCK)
def stock() -> str:
    """Every medicine with its stock; the filters and the search are in the address."""
    typed, show = _typed(), request.args.get("show", "")
    show = show if show in shelves.FILTERS else ""
    after = shelves.place_of(request.args.get("after", 0, type=int))
    found = shelves.shelves(typed, show, after=after, limit=shelves.PAGE + 1)
    shown, more = found[: shelves.PAGE], len(found) > shelves.PAGE
    asked = {"q": typed or None, "show": show or None}
    return render_template(
        "pharmacy/stock.html",
        rows=shown,
        counts=shelves.counts(typed),
        q=typed,
        show=show,
        days=shelves.near_days(),
        older=url_for("pharmacy.stock", **asked, after=shown[-1].row.id) if more else None,
    )


@pages.get("/stock/<int:medication_id>")
@needs(Action.READ_STOCK)
def shelf(medication_id: int) -> str:
    """One medicine: its batches and its ledger, newest first."""
    before = request.args.get("before", type=int)
    moved = shelves.movements(medication_id, before=before, limit=shelves.PAGE + 1)
    older = moved[shelves.PAGE - 1].id if len(moved) > shelves.PAGE else None
    today, near_days = clock.today(), shelves.near_days()
    return render_template(
        "pharmacy/shelf.html",
        shelf=shelves.medicine(medication_id),
        batches=shelves.batches(medication_id),
        movements=moved[: shelves.PAGE],
        older=url_for("pharmacy.shelf", medication_id=medication_id, before=older) if older else None,
        kinds=KIND_WORDS,
        nearness=lambda day: expiry.nearness(day, today, near_days).value,
        soon_days=min(expiry.SOON_DAYS, near_days),
        near_days=near_days,
    )


def _batch_page(batch_id: int, form: Any, template: str, action: Any, done: str) -> ResponseReturnValue:
    batch = shelves.batch(batch_id)
    if form.save(action, by=person(), batch_id=batch_id):
        flash(done, "success")
        return redirect(url_for("pharmacy.shelf", medication_id=batch.medication_id), 303)
    if not form.is_submitted() and "quantity" in form:
        form.quantity.data = batch.quantity
    batch = shelves.batch(batch_id)
    return render_template(template, batch=batch, form=form), form.status


@pages.route("/stock/batches/<int:batch_id>/adjust", methods=["GET", "POST"])
@needs(Action.ADJUST_STOCK)
def adjust(batch_id: int) -> ResponseReturnValue:
    """Set a batch to what is really there."""
    return _batch_page(batch_id, AdjustForm(), "pharmacy/adjust.html", actions.adjust, _("Stock adjusted"))


@pages.route("/stock/batches/<int:batch_id>/write-off", methods=["GET", "POST"])
@needs(Action.ADJUST_STOCK)
def write_off(batch_id: int) -> ResponseReturnValue:
    """Throw away a batch or a part of it."""
    return _batch_page(batch_id, WriteOffForm(), "pharmacy/write_off.html", actions.write_off, _("Written off"))


@pages.route("/receive", methods=["GET", "POST"])
@needs(Action.RECEIVE_STOCK)
def receive() -> ResponseReturnValue:
    """Goods received: a grid of lines. Adding and removing a line keeps what was typed, with and without JavaScript."""
    form = ReceiveForm()
    if request.method == "POST" and (answer := _grid_change(form)):
        return answer
    if form.save(actions.receive_goods, by=person()):
        flash(_("Received as %(number)s", number=form.result.number), "success")
        return redirect(url_for("pharmacy.receipt", receipt_id=form.result.id), 303)
    return render_template("pharmacy/receive.html", form=form), form.status


def _grid_change(form: ReceiveForm) -> str | None:
    """The page with a line more or less; None when the delivery itself was posted."""
    gone = request.form.get("remove_line", "")
    if request.form.get("do") == "add_line":
        form.add_line()
    elif gone.isascii() and gone.isdigit() and len(gone) < 5:
        form.remove_line(int(gone))
    else:
        return None
    return render_template("pharmacy/receive.html", form=form)


@pages.get("/stock/receipts/<int:receipt_id>")
@needs(Action.READ_STOCK)
def receipt(receipt_id: int) -> str:
    """One delivery as it was booked."""
    found = shelves.receipt(receipt_id)
    return render_template("pharmacy/receipt.html", receipt=found, movements=shelves.received(found))


@pages.get("/medicines/choose")
@needs(Action.READ_STOCK)
def choose_medicine() -> Response:
    """Rows for the medicine's combobox."""
    typed = _typed()
    found = shelves.medicines_named(typed) if len(typed) >= 2 else []
    return jsonify(
        [
            {
                "value": row.id,
                "label": row.name,
                "detail": row.brand_name,
                "note": _("%(count)s in stock", count=row.current_stock),
            }
            for row in found
        ]
    )


@pages.get("/suppliers/choose")
@needs(Action.RECEIVE_STOCK)
def choose_supplier() -> Response:
    """Rows for the supplier's combobox."""
    return jsonify([{"value": name, "label": name} for name in shelves.suppliers(_typed())])
