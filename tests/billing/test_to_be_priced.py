"""A new hospital has no invented prices: every loaded item waits for its price, and the administrator's home counts them."""

from __future__ import annotations

import re

from sqlalchemy import func, select

from hms.billing.models import PriceItem
from hms.billing.prices.queries import price_list_gaps
from hms.core.money import ZERO


def test_what_the_commands_load_has_no_price(app, db, desk):
    for command in ("load-prices", "load-formulary", "load-lab-prices"):
        done = app.test_cli_runner().invoke(args=[command])
        assert (done.exit_code, "Enter the price of each" in done.output) == (0, True)
    items = db.session.scalars(select(PriceItem)).all()
    assert len({item.category for item in items}) >= 4
    assert {(item.unit_price, item.is_priced) for item in items} == {(ZERO, False)}
    assert price_list_gaps().without_price == len(items)
    admin = desk("admin")
    assert f"{len(items)} items have no price" in admin.get("/").text


def test_the_list_of_items_without_a_price_shrinks(app, db, desk):
    app.test_cli_runner().invoke(args=["load-prices"])
    admin = desk("admin")
    count = db.session.scalar(select(func.count(PriceItem.id)))
    link = re.search(r'href="(/billing/prices\?show=unpriced)"', admin.get("/").text).group(1)
    assert admin.get(link).text.count('data-ux="price-row"') == count
    item = db.session.scalars(select(PriceItem).filter_by(code="CARD")).one()
    form = {"code": "CARD", "name": item.name, "unit_price": "5.00", "category": item.category, "is_active": "y"}
    assert admin.form(f"/billing/prices/{item.id}", **form).status_code == 303
    assert admin.get(link).text.count('data-ux="price-row"') == count - 1


def test_a_missing_consultation_does_not_hide_the_count(app, db, desk):
    app.test_cli_runner().invoke(args=["load-lab-prices"])
    page = desk("admin").get("/").text
    assert "CONS-OPD is missing" in page
    assert "items have no price" in page
