"""Pages of goods receipts."""

from __future__ import annotations

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.pharmacy.blueprints import pages
from hms.pharmacy.forms import ReceiveForm
from hms.pharmacy.stock import queries
from hms.pharmacy.stock.views import typed_search

from . import actions as receiving_actions


@pages.route("/receive", methods=["GET", "POST"])
@requires(Permission.RECEIVE_STOCK)
def receive() -> ResponseReturnValue:
    """Enter a goods receipt in a grid of lines. Adding or removing a line keeps the typed text, also without JavaScript."""
    form = ReceiveForm()
    if request.method == "POST" and (page := _grid_change(form)):
        return page
    if form.save(receiving_actions.receive_goods, by=current_person()):
        flash(_("Goods receipt %(number)s posted", number=form.result.number), "success")
        return redirect(url_for("pharmacy.receipt", receipt_id=form.result.id), 303)
    return render_template("pharmacy/receive.html", form=form), form.status


def _grid_change(form: ReceiveForm) -> str | None:
    """The page after adding or removing a line; None when the goods receipt itself was posted."""
    removed = request.form.get("remove_line", "")
    if request.form.get("do") == "add_line":
        form.add_line()
    elif removed.isascii() and removed.isdigit() and len(removed) < 5:
        form.remove_line(int(removed))
    else:
        return None
    return render_template("pharmacy/receive.html", form=form)


@pages.get("/stock/receipts/<int:receipt_id>")
@requires(Permission.READ_STOCK)
def receipt(receipt_id: int) -> str:
    """One posted goods receipt."""
    goods_receipt = queries.receipt(receipt_id)
    movements = queries.received(goods_receipt)
    return render_template("pharmacy/receipt.html", receipt=goods_receipt, movements=movements)


@pages.get("/suppliers/choose")
@requires(Permission.RECEIVE_STOCK)
def choose_supplier() -> Response:
    """Rows for the supplier's combobox."""
    return jsonify([{"value": name, "label": name} for name in queries.suppliers(typed_search())])
