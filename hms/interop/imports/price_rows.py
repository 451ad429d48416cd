"""Items of the price list from the rows of a file."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from hms.billing.models import PriceItem
from hms.billing.prices.actions import save_price
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import fold
from hms.core.text.translation import N_

from .fields import Field, amount, choice, identity, line, yes_or_no
from .kind import AlreadyThere, ImportKind

CATEGORIES = {"service": "service", "acte": "service", "test": "test", "examen": "test", "analyse": "test"} | {
    "medicine": "medicine",
    "medicament": "medicine",
    "supply": "supply",
    "fourniture": "supply",
    "consommable": "supply",
    "bed": "bed",
    "lit": "bed",
}


def _save(values: dict[str, Any], by: Person, _other_than: int | None) -> int:
    query = select(PriceItem).where(func.upper(PriceItem.code) == values["code"].upper())
    if (item := db.session.scalars(query).first()) is not None:
        message = N_("The price list has %(item)s already: %(name)s, %(price)s.")
        raise AlreadyThere(message, item=item.code, name=item.name, price=item.unit_price)
    return save_price(**values, by=by).id


def _undo(record_id: int, by: Person) -> None:
    """An item stays in the list but is not active any more: what it was is in the audit trail."""
    item = db.session.get(PriceItem, record_id)
    shown = {name: getattr(item, name) for name in ("code", "name", "unit_price", "billing_label", "category")}
    save_price(record_id, **shown, is_active=False, by=by)


def _identities(values: dict[str, Any]) -> list[str]:
    return [identity("code", fold(values["code"]))]


PRICES = ImportKind(
    name="prices",
    label=_l("Price list"),
    needs=(Permission.MANAGE_PRICES,),
    model=PriceItem,
    save=_save,
    undo=_undo,
    identities=_identities,
    page="billing.price item_id",
    note=_l(
        "Codes that are in the price list already are not changed: change their prices there. An item whose import is undone "
        "stays in the list and is not active any more."
    ),
    fields=(
        Field("code", _l("Code"), ("item code", "code de l acte"), line(20), is_required=True, example="DRESS"),
        Field(
            "name",
            _l("Name"),
            ("item", "description", "designation", "libelle", "nom"),
            line(120),
            is_required=True,
            example="Dressing, small",
        ),
        Field(
            "unit_price",
            _l("Price"),
            ("unit price", "amount", "prix", "prix unitaire", "tarif", "montant"),
            amount,
            is_required=True,
            example="25.00",
            is_number=True,
        ),
        Field(
            "category",
            _l("Category"),
            ("type", "categorie"),
            choice(CATEGORIES, N_("Enter service, test, medicine, supply or bed.")),
            example="service",
        ),
        Field(
            "billing_label",
            _l("Name on bills, if different"),
            ("name on bills", "bill label", "libelle de facture"),
            line(120),
        ),
        Field("is_active", _l("Active"), ("actif",), yes_or_no, example="yes"),
    ),
)
