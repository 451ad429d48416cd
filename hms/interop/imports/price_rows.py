"""Items of the price list from the rows of a file."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from hms.billing.models import PriceItem
from hms.billing.prices.actions import save_price
from hms.core.db.session import db
from hms.core.errors import Conflict
from hms.core.money import Money
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_, Sentence

from .fields import Field, amount, choice, identity, line, yes_or_no
from .kind import AlreadyThere, Change, ImportKind

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
        error = AlreadyThere(message, item=item.code, name=item.name, price=item.unit_price)
        error.existing_id = item.id
        raise error
    return save_price(**values, by=by).id


def _change(record_id: int, values: dict[str, Any], by: Person) -> Change:
    """Change what the file says of an item; the rest stays."""
    before, was_priced = _stored(record_id), db.session.get_one(PriceItem, record_id).is_priced
    item = save_price(record_id, **before | values, by=by)
    if before["unit_price"] == item.unit_price and was_priced:
        says = Sentence(N_("The price stays %(price)s."), price=item.unit_price)
    else:
        old, new = before["unit_price"], item.unit_price
        says = Sentence(N_("The price changes from %(old)s to %(new)s."), old=old, new=new)
    return Change(before | {"unit_price": str(before["unit_price"]), "was_priced": was_priced}, says)


def _restore(record_id: int, before: dict[str, Any], by: Person) -> None:
    if not before["was_priced"]:
        raise Conflict(N_("It had no price before. Change it on the price list."), code="unpriced")
    names = {name: value for name, value in before.items() if name != "was_priced"}
    save_price(record_id, **names | {"unit_price": Money(before["unit_price"])}, by=by)


def _undo(record_id: int, by: Person) -> None:
    """An item stays in the list but is not active any more: what it was is in the audit trail."""
    save_price(record_id, **_stored(record_id) | {"is_active": False}, by=by)


def _stored(record_id: int) -> dict[str, Any]:
    item = db.session.get_one(PriceItem, record_id, populate_existing=True)
    names = ("code", "name", "unit_price", "billing_label", "category", "is_active")
    return {name: getattr(item, name) for name in names}


def _identities(values: dict[str, Any]) -> list[str]:
    return [identity("code", values["code"].upper())]


PRICES = ImportKind(
    name="prices",
    label=_l("Price list"),
    needs=(Permission.MANAGE_PRICES,),
    model=PriceItem,
    save=_save,
    undo=_undo,
    identities=_identities,
    change=_change,
    restore=_restore,
    page="billing.price item_id",
    note=_l(
        "Codes that are in the price list already are changed only when you choose so; undoing sets them back. A new item whose "
        "import is undone stays in the list and is not active any more."
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
        Field("is_active", _l("Active"), ("offered", "actif"), yes_or_no, example="yes"),
    ),
)
