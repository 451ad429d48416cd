"""The pharmacy's blueprints, and its entries in the top bar."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from hms.core.api.blueprint import ApiBlueprint
from hms.core.permissions import Permission
from hms.core.web import navigation

pages = Blueprint("pharmacy", __name__, url_prefix="/pharmacy")
navigation.add_entry(_l("Prescriptions"), "pharmacy.queue", Permission.DISPENSE, order=40, key="p")
navigation.add_entry(
    _l("Stock"), "pharmacy.stock", Permission.READ_STOCK, order=60, key="s", also=("/pharmacy/receive",)
)
navigation.add_entry(_l("Rules"), "pharmacy.rules", Permission.CHANGE_RULES, order=65)

api = ApiBlueprint("pharmacy_api", __name__, description="Pharmacy")
