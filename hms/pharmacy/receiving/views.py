"""Pages of goods receipts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.text.formatting import clock_time
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.pharmacy.blueprints import pages
from hms.pharmacy.forms import ReceiveForm
from hms.pharmacy.stock import queries
from hms.pharmacy.stock.views import typed_search

from . import actions as receiving_actions
from . import drafts


@pages.route("/receive", methods=["GET", "POST"])
@requires(Permission.RECEIVE_STOCK)
def receive() -> ResponseReturnValue:
    """Enter a goods receipt in a grid of lines. Adding or removing a line keeps the typed text, also without JavaScript.

    What is typed is saved as a draft, so that an interrupted receipt can be continued.
    """
    if request.method == "GET":
        return _continue_draft()
    form = ReceiveForm()
    if page := _grid_change(form):
        return page
    if form.save(receiving_actions.receive_goods, by=current_person(), draft=drafts.DRAFT):
        flash(_("Goods receipt %(number)s posted", number=form.result.number), "success")
        return redirect(url_for("pharmacy.receipt", receipt_id=form.result.id), 303)
    return render_template("pharmacy/receive.html", form=form, saved_at=_save_draft(request.form)), form.status


def _continue_draft() -> str:
    draft = drafts.get_draft(current_person())
    form = ReceiveForm(formdata=drafts.typed_fields(draft) if draft else None)
    saved_at = clock_time(draft.saved_at, seconds=True) if draft else None
    return render_template("pharmacy/receive.html", form=form, saved_at=saved_at)


def _save_draft(typed: Mapping[str, Any]) -> str | None:
    saved_at = drafts.save_draft(current_person(), typed)
    return clock_time(saved_at, seconds=True) if saved_at else None


@pages.get("/receive/draft")
@requires(Permission.RECEIVE_STOCK)
def receipt_token() -> ResponseReturnValue:
    """A new form token for a page that is older than its session."""
    return {"csrf_token": generate_csrf()}


@pages.post("/receive/draft")
@requires(Permission.RECEIVE_STOCK)
def keep_receipt() -> ResponseReturnValue:
    """Save the draft, called every few seconds; posts no goods."""
    typed = request.get_json()
    if not isinstance(typed, dict):
        raise RuleBroken(N_("The request could not be read. Send it again."))
    return {"saved_at": _save_draft(typed) or clock_time(clock.now(), seconds=True)}


@pages.post("/receive/draft/discard")
@requires(Permission.RECEIVE_STOCK)
def discard_receipt() -> ResponseReturnValue:
    """Discard the draft."""
    drafts.discard(current_person())
    flash(_("Unfinished goods receipt discarded."), "success")
    return redirect(url_for("pharmacy.stock"), 303)


def _grid_change(form: ReceiveForm) -> str | None:
    """The page after adding or removing a line; None when the goods receipt itself was posted."""
    removed = request.form.get("remove_line", "")
    if request.form.get("do") == "add_line":
        form.add_line()
    elif removed.isascii() and removed.isdigit() and len(removed) < 5:
        form.remove_line(int(removed))
    else:
        return None
    return render_template("pharmacy/receive.html", form=form, saved_at=_save_draft(form.typed()))


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
