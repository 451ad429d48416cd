"""Load the starting list; add, change and withdraw medicines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import insert, select, update

from hms.billing.models import PriceItem
from hms.core.actions import STALE_MESSAGE, action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db, get_or_not_found
from hms.core.errors import RuleBroken, StaleVersion
from hms.core.money import ZERO
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_
from hms.formulary.dosing import product_text
from hms.formulary.models import DoseSentence, Medication

from . import catalogue

PRICE_PREFIX = "MED-"
MAX_STOCK = 1_000_000
# Medicines whose name reveals an illness; the bill says only "Medicine", so that cashiers do not learn of it.
DISCREET_CLASSES = frozenset({"nnrtis", "nrtis", "protease_inhibitors", "integrase_inhibitors", "antipsychotics"})
DISCREET_INGREDIENTS = frozenset(
    {"dolutegravir", "tenofovir", "tenofovir disoproxil", "lamivudine", "zidovudine", "abacavir", "efavirenz"}
    | {"isoniazid", "rifampicin", "ethambutol", "pyrazinamide"}
)
OpeningStockHandler = Callable[[Medication, int, Person], None]
_opening_stock_handler: list[OpeningStockHandler] = []


def set_opening_stock_handler(receive: OpeningStockHandler) -> OpeningStockHandler:
    """Decorator: register the function that records the opening stock of a new medicine (the pharmacy's)."""
    _opening_stock_handler[:] = [receive]
    return receive


@action(Permission.MANAGE_FORMULARY, "formulary.load_catalogue")
def load_catalogue(*, with_prices: bool = False, by: Person) -> int:
    """Add the medicines of the starting list that are missing, with usual doses; returns their number.

    Medicines that the hospital changed or withdrew stay as they are. The prices of the list are examples: `with_prices` is
    for demo data and tests. Without it each medicine has no price yet.
    """
    known = set(db.session.scalars(select(Medication.catalogue_key).where(Medication.catalogue_key.is_not(None))))
    missing = [entry for entry in catalogue.load_medications() if entry.key not in known]
    if not missing:
        return 0
    prices = _add_prices(missing, with_prices=with_prices)
    ids = _add_medicines(missing, prices)
    _add_doses(ids)
    return len(missing)


def _add_prices(entries: list[catalogue.CatalogueMedication], *, with_prices: bool) -> dict[str, int]:
    """Ids of price items by code; adds the missing ones, existing ones keep their price."""
    codes = {_price_code(entry): entry for entry in entries}
    ids = dict(db.session.execute(select(PriceItem.code, PriceItem.id).where(PriceItem.code.in_(codes))).all())
    rows = [
        {
            "code": code,
            "name": _name(entry),
            "billing_label": N_("Medicine") if _is_discreet(entry) else _name(entry),
            "category": "medicine",
            "unit_price": entry.price if with_prices else ZERO,
            "is_priced": with_prices,
        }
        for code, entry in codes.items()
        if code not in ids
    ]
    if rows:
        ids |= dict(db.session.execute(insert(PriceItem).returning(PriceItem.code, PriceItem.id), rows).all())
    return ids


def _price_code(entry: catalogue.CatalogueMedication) -> str:
    return PRICE_PREFIX + entry.key.upper()


def _name(entry: catalogue.CatalogueMedication) -> str:
    return " ".join(part for part in (entry.generic_name, entry.strength, entry.form) if part)


def _is_discreet(entry: catalogue.CatalogueMedication) -> bool:
    return bool(entry.facts.classes & DISCREET_CLASSES or DISCREET_INGREDIENTS & set(entry.facts.ingredients))


def _add_medicines(entries: list[catalogue.CatalogueMedication], prices: dict[str, int]) -> dict[str, int]:
    rows = [_medication_values(entry) | {"price_item_id": prices[_price_code(entry)]} for entry in entries]
    inserted = db.session.execute(insert(Medication).returning(Medication.catalogue_key, Medication.id), rows)
    return {key: medication_id for key, medication_id in inserted}


def _medication_values(entry: catalogue.CatalogueMedication) -> dict[str, Any]:
    facts = entry.facts
    return {
        "catalogue_key": entry.key,
        "name": _name(entry),
        "generic_name": entry.generic_name,
        "brand_name": entry.brand_name,
        "display_name": entry.display_name,
        "formulation": entry.formulation,
        "form": entry.form,
        "strength": entry.strength,
        "unit": entry.unit,
        "unit_holds": entry.unit_holds,
        "route": facts.route,
        "ingredients": list(facts.ingredients),
        "classes": sorted(facts.classes),
        "has_no_maximum": facts.has_no_maximum,
        "max_daily_mg": {name: str(maximum) for name, maximum in facts.max_daily_mg.items()},
        "max_daily_mg_per_kg": {name: str(maximum) for name, maximum in facts.max_daily_mg_per_kg.items()},
        "pregnancy": facts.pregnancy,
        "min_age_years": facts.min_age_years,
        "min_age_tier": facts.min_age_tier,
        "is_controlled_substance": entry.is_controlled,
        "reorder_level": entry.reorder_level,
    }


def _add_doses(ids: dict[str, int]) -> None:
    rows = [
        {
            "medication_id": ids[usual.medication],
            "amount": usual.dose.amount,
            "unit": usual.dose.unit,
            "route": usual.dose.route,
            "frequency": usual.dose.frequency_code,
            "as_needed": usual.dose.as_needed,
            "max_per_day": usual.dose.max_per_day,
            "days": usual.dose.days,
            "audience": usual.audience,
            "label": usual.label,
        }
        for usual in catalogue.load_dose_sentences()
        if usual.medication in ids
    ]
    if rows:
        db.session.execute(insert(DoseSentence), rows)


@action(Permission.MANAGE_FORMULARY, "formulary.add_medication")
def add_medication(*, opening_stock: int = 0, by: Person, **values: Any) -> Medication:
    """Add a medicine; `values` are columns, with `name` or `generic_name`. The opening stock becomes a stock movement."""
    row = Medication(**_clean_values(values))
    row.name = row.name or product_text.full_name(row)
    _check(row)
    db.session.add(row)
    db.session.flush()
    if opening_stock:
        _add_opening_stock(row, opening_stock, by)
    return row


def _add_opening_stock(row: Medication, quantity: int, by: Person) -> None:
    if not _opening_stock_handler:
        raise RuleBroken(
            N_("Stock is added when the pharmacy receives goods. Add the medicine without stock."), "current_stock"
        )
    _opening_stock_handler[0](row, quantity, by)
    db.session.refresh(row)


@action(Permission.MANAGE_FORMULARY, "formulary.change_medication")
def change_medication(medication_id: int, *, version: int | None = None, by: Person, **values: Any) -> Medication:
    """Change the columns in `values`; `is_active` restores a withdrawn medicine, the stock changes only by stock movements.

    Raises `StaleVersion` when `version` is not the present one.
    """
    row = get_for_update(Medication, medication_id)
    if version is not None and row.version != version:
        raise StaleVersion(STALE_MESSAGE)
    for name, value in _clean_values(values).items():
        setattr(row, name, value)
    _check(row)
    row.increment_version()
    db.session.flush()
    return row


@action(Permission.MANAGE_FORMULARY, "formulary.withdraw_medication")
def withdraw_medication(medication_id: int, *, by: Person) -> Medication:
    """Withdraw a medicine from the list; its prescriptions, stock and charges stay."""
    row = get_for_update(Medication, medication_id)
    row.is_active = False
    db.session.flush()
    return row


WRITABLE = frozenset(
    {"name", "generic_name", "brand_name", "description", "unit", "formulation", "form", "strength", "manufacturer"}
    | {"reorder_level", "route", "is_controlled_substance", "is_active"}
)


def _clean_values(values: dict[str, Any]) -> dict[str, Any]:
    """The writable fields that are not None, cleaned."""
    return {
        name: clean_field(value, name, longest=2000, multiline=name == "description")
        if isinstance(value, str)
        else value
        for name, value in values.items()
        if name in WRITABLE and value is not None
    }


def _check(row: Medication) -> None:
    if not row.name.strip():
        raise RuleBroken(N_("Enter the name."), "name")
    if row.reorder_level is not None and row.reorder_level < 0:
        raise RuleBroken(N_("Enter zero or more."), "reorder_level")


@action(Permission.PRESCRIBE, "formulary.count_use")
def count_use(sentence_id: int, *, by: Person) -> None:
    """Count that a usual dose was chosen; the list shows the most used first."""
    query = update(DoseSentence).where(DoseSentence.id == sentence_id)
    db.session.execute(query.values(use_count=DoseSentence.use_count + 1))


def get_medication(medication_id: int) -> Medication:
    """The medicine; raises `NotFound`."""
    return get_or_not_found(Medication, medication_id)
