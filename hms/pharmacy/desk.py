"""The pharmacy's pages as one blueprint, and its places in the top bar."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from hms.core import nav
from hms.core.permissions import Action

pages = Blueprint("pharmacy", __name__, url_prefix="/pharmacy")
nav.place(_l("Prescriptions"), "pharmacy.queue", Action.DISPENSE, order=40, key="p")
nav.place(_l("Stock"), "pharmacy.stock", Action.READ_STOCK, order=60, key="s")
