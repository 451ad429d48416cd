"""The cashier's pages and their place in the bar."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from hms.core import nav
from hms.core.permissions import Action

from . import (  # noqa: F401 - they put their pages on the blueprint
    bill_views,
    correction_views,
    invoice_views,
    payment_views,
    price_views,
    till_views,
)
from .desk import pages

__all__ = ("pages",)

nav.place(_l("Bills"), "billing.bills", Action.TAKE_PAYMENT, order=50)
