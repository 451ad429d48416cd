"""Pages: the price list, and the choices under the box where a line is typed."""

from __future__ import annotations

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.billing.bills.rules import counted_entry
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


def _typed() -> str:
    return search_text(request.args.get("q"))


@pages.get("/prices/choose")
@requires(Permission.READ_BILL)
def choose_price() -> Response:
    """What the words typed into a bill's line box may mean: at most ten items. `3*dres` keeps its number."""
    count, words = counted_entry(_typed())
    many = f"{count}*" if count > 1 else ""
    items = price_list.price_items(words) if words else []
    return jsonify(
        [
            {
                "value": one.id,
                "label": f"{many}{one.name}",
                "detail": one.code,
                "note": template_filters.money(one.unit_price),
            }
            for one in items
        ]
    )


@pages.get("/prices")
@requires(Permission.READ_BILL)
def prices() -> str:
    """The price list."""
    items = price_list.price_items(
        _typed(), limit=MAX_SHOWN, with_withdrawn=current_person().may(Permission.MANAGE_PRICES)
    )
    return render_template("billing/prices.html", items=items, q=_typed(), categories=dict(CATEGORIES), most=MAX_SHOWN)


@pages.post("/prices/start")
@requires(Permission.MANAGE_PRICES)
def start_prices() -> Response:
    """Bring in the starting list, to be priced."""
    count = actions.load_prices(by=current_person())
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
    return _price_page(PriceForm(obj=item), item)


def _price_page(form: PriceForm, item: PriceItem | None) -> ResponseReturnValue:
    if form.save(actions.save_price, by=current_person(), item_id=item.id if item else None):
        flash(_("%(code)s saved", code=form.result.code), "success")
        return redirect(url_for("billing.prices"), 303)
    return render_template("billing/price.html", form=form, item=item), form.status
