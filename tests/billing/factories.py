"""Patients, prices and bills for tests of the billing desk. Each writes in its own action."""

from __future__ import annotations

from itertools import count
from typing import TypeVar

from hms.billing.bills import actions
from hms.billing.models import Bill, PriceItem
from hms.core.actions import action_context
from hms.core.db.session import db
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.patients.models import Patient

R = TypeVar("R")
_next = count(900_000)


def patient(given_names: str = "Kadiatu", family_name: str = "Kamara", **values: object) -> Patient:
    number = next(_next)
    row = Patient(number=number, hospital_number=f"HMS-{number}-0", given_names=given_names, family_name=family_name)
    for name, value in values.items():
        setattr(row, name, value)
    return _saved(row)


def price(
    code: str = "CONS-OPD", name: str = "Consultation OPD", unit_price: str = "150.00", **values: object
) -> PriceItem:
    row = PriceItem(code=code, name=name, unit_price=Money(unit_price), **values)
    return _saved(row)


def draft(patient_id: int, *prices: str, **values: object) -> Bill:
    """A draft with one line per price."""
    items = [{"description": f"Item {n}", "unit_price": Money(amount)} for n, amount in enumerate(prices, 1)]
    return actions.create_bill(patient_id, items=items, by=SYSTEM, **values)


def _saved(row: R) -> R:
    with action_context("tests.seed", SYSTEM):
        db.session.add(row)
        db.session.flush()
    return row
