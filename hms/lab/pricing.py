"""The laboratory's tests on the price list."""

from __future__ import annotations

from sqlalchemy import insert, select, update

from hms.billing.models import PriceItem
from hms.core.actions import doing
from hms.core.db import db
from hms.core.people import Person

from .catalogue import tests
from .orders import PRICE_PREFIX

KIND = "test"
"""The kind of item; earlier lists said "laboratory", which the form of an item does not offer."""


def load_prices(*, by: Person) -> int:
    """Put every test on the price list that is not there; what is there keeps its price. How many were added."""
    with doing("lab.load_prices", by):
        was = (PriceItem.code.startswith(PRICE_PREFIX), PriceItem.category == "laboratory")
        db.session.execute(update(PriceItem).where(*was).values(category=KIND))
        codes = {PRICE_PREFIX + test.code: test for test in tests().values()}
        have = set(db.session.scalars(select(PriceItem.code).where(PriceItem.code.in_(codes))))
        rows = [
            {
                "code": code,
                "name": test.name,
                "billing_label": test.billing_label,
                "category": KIND,
                "unit_price": test.price,
            }
            for code, test in codes.items()
            if code not in have
        ]
        if rows:
            db.session.execute(insert(PriceItem), rows)
    return len(rows)
