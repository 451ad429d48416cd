"""Pages: the price list, and the suggestions for a new bill line."""

from __future__ import annotations

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.billing.bills.rules import parse_entry
from hms.billing.blueprints import pages
from hms.billing.forms import CATEGORIES, PriceForm
from hms.billing.models import PriceItem
from hms.core.db.session import get_or_not_found
from hms.core.permissions import Permission
from hms.core.text.cleaning import search_text
from hms.core.web import template_filters
from hms.core.web.guard import current_person, requires

from . import actions
from . import queries as price_list

MAX_SHOWN = 200


def _search_text() -> str:
    return search_text(request.args.get("q"))


@pages.get("/prices/choose")
@requires(Permission.READ_BILL)
def choose_price() -> Response:
    """At most ten items that match the typed text, as JSON. The quantity of `3*dres` stays in the label."""
    count, text = parse_entry(_search_text())
    prefix = f"{count}*" if count > 1 else ""
    items = price_list.search_items(text) if text else []
    return jsonify(
        [
            {
                "value": item.id,
                "label": f"{prefix}{item.name}",
                "detail": item.code,
                "note": template_filters.money(item.unit_price),
            }
            for item in items
        ]
    )


@pages.get("/prices")
@requires(Permission.READ_BILL)
def prices() -> str:
    """The price list."""
    items = price_list.search_items(
        _search_text(), limit=MAX_SHOWN, with_inactive=current_person().may(Permission.MANAGE_PRICES)
    )
    return render_template(
        "billing/prices.html", items=items, q=_search_text(), categories=dict(CATEGORIES), most=MAX_SHOWN
    )


@pages.post("/prices/start")
@requires(Permission.MANAGE_PRICES)
def start_prices() -> Response:
    """Load the starter price list, without prices."""
    count = actions.load_starter_list(by=current_person())
    flash(_("%(count)s items added. Enter the price of each.", count=count), "success")
    return redirect(url_for("billing.prices"), 303)


@pages.route("/prices/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_PRICES)
def new_price() -> ResponseReturnValue:
    """Add an item."""
    return _price_page(PriceForm(), None)


@pages.route("/prices/<int:item_id>", methods=["GET", "POST"])
@requires(Permission.MANAGE_PRICES)
def price(item_id: int) -> ResponseReturnValue:
    """Change an item."""
    item = get_or_not_found(PriceItem, item_id)
    form = PriceForm(obj=item)
    form.merge_with(lambda: form.stored_values(get_or_not_found(PriceItem, item_id)))
    return _price_page(form, item)


def _price_page(form: PriceForm, item: PriceItem | None) -> ResponseReturnValue:
    if form.save(actions.save_price, by=current_person(), item_id=item.id if item else None):
        flash(_("%(code)s saved", code=form.result.code), "success")
        return redirect(url_for("billing.prices"), 303)
    return render_template("billing/price.html", form=form, item=item), form.status
