"""The pharmacy's pages as one blueprint, and its places in the top bar."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from hms.core.api.blueprint import DeskApi
from hms.core.permissions import Action
from hms.core.web import navigation

pages = Blueprint("pharmacy", __name__, url_prefix="/pharmacy")
navigation.place(_l("Prescriptions"), "pharmacy.queue", Action.DISPENSE, order=40, key="p")
navigation.place(_l("Stock"), "pharmacy.stock", Action.READ_STOCK, order=60, key="s")

api = DeskApi("pharmacy_api", __name__, description="Pharmacy")
