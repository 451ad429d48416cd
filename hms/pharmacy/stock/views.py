"""Pages of stock: the list, one medicine with its batches and movements, adjusting, writing off."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core import clock
from hms.core.exports.page_lists import PageList, export_response
from hms.core.exports.registry import offer_page_export
from hms.core.permissions import Permission
from hms.core.text.cleaning import search_text
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import Choice, Search, parameters
from hms.pharmacy.blueprints import pages
from hms.pharmacy.exports import STOCK
from hms.pharmacy.forms import AdjustForm, WriteOffForm

from . import actions as stock_actions
from . import expiry, queries
from .rules import KIND_LABELS


def typed_search(name: str = "q") -> str:
    """The text in the search field."""
    return search_text(request.args.get(name))


@pages.get("/stock")
@requires(Permission.READ_STOCK)
def stock() -> str:
    """Every medicine with its stock; the filters and the search are in the address."""
    typed, show = typed_search(), request.args.get("show", "")
    show = show if show in queries.FILTERS else ""
    after = queries.sort_key_of(request.args.get("after", 0, type=int))
    rows = queries.medicines(typed, show, after=after, limit=queries.PAGE + 1)
    shown, more = rows[: queries.PAGE], len(rows) > queries.PAGE
    filters = {"q": typed or None, "show": show or None}
    return render_template(
        "pharmacy/stock.html",
        rows=shown,
        counts=queries.counts(typed),
        q=typed,
        show=show,
        days=queries.near_days(),
        older=url_for("pharmacy.stock", **filters, after=shown[-1].row.id) if more else None,
    )


@requires(Permission.READ_STOCK)
def export_stock() -> Response:
    """The medicines of the page as a file."""
    typed, show = typed_search(), request.args.get("show", "")

    def fetch(last: queries.StockRow | None, limit: int) -> list[queries.StockRow]:
        after = None if last is None else (last.row.name, last.row.id)
        return queries.medicines(typed, show, after=after, limit=limit)

    return export_response(PageList(fetch), _stock_values)


def _stock_values(medicine: queries.StockRow) -> dict[str, Any]:
    """The fields of `exports.STOCK`."""
    row = medicine.row
    same = ("strength", "form", "unit", "reorder_level", "soonest", "value")
    return {name: getattr(row, name) for name in same} | {
        "medicine": row.display_name or row.generic_name or row.name,
        "brand": row.brand_name,
        "usable": int(row.usable),
        "is_low": medicine.is_low,
        "expiring": int(row.near),
        "expired": int(row.expired),
        "days_left": medicine.days_left,
    }


offer_page_export(export_stock, STOCK, parameters(q=Search(), show=Choice(queries.FILTERS)))


@pages.get("/stock/<int:medication_id>")
@requires(Permission.READ_STOCK)
def shelf(medication_id: int) -> str:
    """One medicine: its batches and its stock movements, newest first."""
    before = request.args.get("before", type=int)
    movements = queries.movements(medication_id, before=before, limit=queries.PAGE + 1)
    older = movements[queries.PAGE - 1].id if len(movements) > queries.PAGE else None
    today, near_days = clock.today(), queries.near_days()
    return render_template(
        "pharmacy/shelf.html",
        shelf=queries.medicine(medication_id),
        batches=queries.batches(medication_id),
        movements=movements[: queries.PAGE],
        older=url_for("pharmacy.shelf", medication_id=medication_id, before=older) if older else None,
        kinds=KIND_LABELS,
        nearness=lambda day: expiry.expiry_status(day, today, near_days).value,
        soon_days=min(expiry.SOON_DAYS, near_days),
        near_days=near_days,
    )


def _batch_page(batch_id: int, form: Any, template: str, action: Any, done: str) -> ResponseReturnValue:
    batch = queries.batch(batch_id)
    if form.save(action, by=current_person(), batch_id=batch_id):
        flash(done, "success")
        return redirect(url_for("pharmacy.shelf", medication_id=batch.medication_id), 303)
    if not form.is_submitted() and "quantity" in form:
        form.quantity.data = batch.quantity
    batch = queries.batch(batch_id)
    return render_template(template, batch=batch, form=form), form.status


@pages.route("/stock/batches/<int:batch_id>/adjust", methods=["GET", "POST"])
@requires(Permission.ADJUST_STOCK)
def adjust(batch_id: int) -> ResponseReturnValue:
    """Adjust a batch to the counted quantity."""
    return _batch_page(batch_id, AdjustForm(), "pharmacy/adjust.html", stock_actions.adjust, _("Stock adjusted"))


@pages.route("/stock/batches/<int:batch_id>/write-off", methods=["GET", "POST"])
@requires(Permission.ADJUST_STOCK)
def write_off(batch_id: int) -> ResponseReturnValue:
    """Write off a batch or a part of it."""
    return _batch_page(batch_id, WriteOffForm(), "pharmacy/write_off.html", stock_actions.write_off, _("Written off"))


@pages.get("/medicines/choose")
@requires(Permission.READ_STOCK)
def choose_medicine() -> Response:
    """Rows for the medicine's combobox."""
    typed = typed_search()
    rows = queries.medicines_named(typed) if len(typed) >= 2 else []
    return jsonify(
        [
            {
                "value": row.id,
                "label": row.name,
                "detail": row.brand_name,
                "note": _("%(count)s in stock", count=row.current_stock),
            }
            for row in rows
        ]
    )
