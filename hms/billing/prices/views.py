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
from hms.core.text.numbers import parse_record_id
from hms.core.web import template_filters
from hms.core.web.guard import current_person, requires

from . import actions
from . import queries as price_list

PAGE = 25
UNPRICED = "unpriced"


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
    show = UNPRICED if request.args.get("show") == UNPRICED else None
    items = price_list.search_items(
        _search_text(),
        limit=PAGE + 1,
        after=price_list.sort_key_of(parse_record_id(request.args.get("after", "")) or 0),
        with_inactive=current_person().may(Permission.MANAGE_PRICES),
        only_unpriced=show is not None,
    )
    segments = [
        {
            "label": label,
            "url": url_for("billing.prices", show=choice, q=_search_text() or None),
            "is_current": choice == show,
        }
        for choice, label in ((None, _("All")), (UNPRICED, _("No price yet")))
    ]
    return render_template(
        "billing/prices.html",
        items=items[:PAGE],
        has_more=len(items) > PAGE,
        next=url_for("billing.prices", show=show, after=items[PAGE - 1].id)
        if len(items) > PAGE and not _search_text()
        else None,
        newest=url_for("billing.prices", show=show) if request.args.get("after") else None,
        q=_search_text(),
        show=show,
        segments_shown=segments,
        categories=dict(CATEGORIES),
        most=PAGE,
    )


@pages.post("/prices/start")
@requires(Permission.MANAGE_PRICES)
def start_prices() -> Response:
    """Load the starter price list, without prices."""
    count = actions.load_starter_list(by=current_person())
    if count:
        flash(_("%(count)s items added. Enter the price of each.", count=count), "success")
    else:
        flash(_("Nothing was added. Every item of the list is there already."), "info")
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
