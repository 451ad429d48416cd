"""Charges of care and lines of the cashier on a draft bill."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from hms.billing.bills import actions, charges, discounts, queries
from hms.billing.models import Bill, BillLine
from hms.core.db.session import db as database
from hms.core.errors import Conflict, NotAllowed, RuleBroken, StaleVersion
from hms.core.money import Money
from hms.core.person import SYSTEM
from tests.billing import factories


@pytest.fixture
def prices(db):
    factories.price()
    factories.price("DRES", "Dressing, small", "35.00")
    factories.price("DRES-L", "Dressing, large", "60.00")
    factories.price("HIVVL", "HIV viral load", "90.00", billing_label="Laboratory test, group B")


def test_charges_of_a_visit_flow_into_one_draft(prices, person):
    kadiatu = factories.patient()
    first = charges.add_charge(kadiatu.id, code="CONS-OPD", source="encounter", source_id=1, by=person("doctor"))
    second = charges.add_charge(
        kadiatu.id,
        description="paracetamol 500 mg tablet",
        quantity=40,
        unit_price=Money("0.50"),
        source="dispense",
        source_id=7,
        by=person("pharmacist"),
    )
    assert first.bill_id == second.bill_id
    bill = database.session.get(Bill, first.bill_id)
    assert (bill.status, bill.collects, bill.total) == ("draft", True, Money("170.00"))
    assert queries.owed(kadiatu.id) == Money("170.00")


def test_the_same_event_is_charged_once(prices, person):
    kadiatu = factories.patient()
    first = charges.add_charge(kadiatu.id, code="CONS-OPD", source="encounter", source_id=1, by=person("doctor"))
    again = charges.add_charge(kadiatu.id, code="CONS-OPD", source="encounter", source_id=1, by=person("doctor"))
    assert again.id == first.id
    assert queries.owed(kadiatu.id) == Money("150.00")


def test_a_busy_desk_charges_one_patient_after_another(db, person):
    for event in range(12):
        charges.add_charge(
            factories.patient().id, description="Item", source="lab", source_id=event, by=person("doctor")
        )
    assert database.session.execute(select(func.count(Bill.id))).scalar_one() == 12


def test_a_charge_without_a_price_is_zero(db, person):
    added = charges.add_charge(factories.patient().id, code="NEW-TEST", source="lab", source_id=3, by=person("doctor"))
    line = database.session.get(BillLine, added.id)
    assert (line.description, line.unit_price) == ("NEW-TEST", Money("0.00"))


def test_a_line_has_the_billing_label_of_its_item(prices, person):
    line = charges.add_charge(factories.patient().id, code="hivvl", source="lab", source_id=4, by=person("doctor"))
    assert database.session.get(BillLine, line.id).description == "Laboratory test, group B"


def test_the_lab_may_not_charge(db, person):
    with pytest.raises(NotAllowed):
        charges.add_charge(1, code="X", source="lab", source_id=1, by=person("lab"))


@pytest.mark.parametrize(
    ("typed", "quantity", "amount"), [("dres", 1, "35.00"), ("3*dres", 3, "105.00"), ("2 x CONS", 2, "300.00")]
)
def test_the_cashiers_shorthand(prices, person, typed, quantity, amount):
    bill = actions.create_bill(factories.patient().id, by=person("cashier"))
    line = actions.add_line(bill.id, item=typed, by=person("cashier"))
    assert (line.quantity, line.amount) == (quantity, Money(amount))


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"item": "dressing"}, "item"),
        ({"item": "x-ray of the hand"}, "item"),
        ({"item": ""}, "item"),
        ({"item": "0*dres"}, "quantity"),
        ({"item": "dres", "quantity": 100_001}, "quantity"),
        ({"item": "dres", "unit_price": Money("1.00")}, "unit_price"),
        ({"item": "Bandage", "unit_price": Money("-1.00")}, "amount"),
    ],
)
def test_lines_that_cannot_be_billed(prices, person, line, field):
    bill = actions.create_bill(factories.patient().id, by=person("cashier"))
    with pytest.raises(RuleBroken) as refusal:
        actions.add_line(bill.id, **line, by=person("cashier"))
    assert refusal.value.field == field


def test_a_description_that_is_not_on_the_price_list_needs_a_price(prices, person):
    bill = actions.create_bill(factories.patient().id, by=person("cashier"))
    line = actions.add_line(bill.id, item="Copy of the card", unit_price=Money("5.00"), by=person("cashier"))
    assert (line.description, bill.total) == ("Copy of the card", Money("5.00"))


def test_the_event_of_a_withdrawn_line_can_be_charged_again(prices, person):
    kadiatu = factories.patient()
    line = charges.add_charge(kadiatu.id, code="DRES", source="dispense", source_id=5, by=person("pharmacist"))
    actions.withdraw_line(line.bill_id, line.id, by=person("cashier"))
    assert queries.owed(kadiatu.id) == Money("0.00")
    again = charges.add_charge(kadiatu.id, code="DRES", source="dispense", source_id=5, by=person("pharmacist"))
    assert again.id != line.id
    with pytest.raises(Conflict):
        actions.restore_line(line.bill_id, line.id, by=person("cashier"))


def test_a_discount_needs_a_reason_and_above_the_limit_approval(prices, person):
    bill = actions.create_bill(
        factories.patient().id, items=[{"description": "Bed", "unit_price": Money("100.00")}], by=person("cashier")
    )
    for discount, reason, field in (("5%", " ", "reason"), ("11.00", "poor", "discount"), ("x", "poor", "discount")):
        with pytest.raises(RuleBroken) as refusal:
            discounts.give_discount(bill.id, discount=discount, reason=reason, by=person("cashier"))
        assert refusal.value.field == field
    discounts.give_discount(bill.id, discount="10%", reason="staff", by=person("cashier"))
    assert bill.total == Money("90.00")
    with pytest.raises(RuleBroken, match="needs approval"):
        discounts.give_discount(bill.id, discount="50", reason="hardship", by=person("admin"))


def test_a_draft_that_changed_is_not_overwritten(prices, person):
    bill = actions.create_bill(factories.patient().id, by=person("cashier"))
    read = bill.version
    actions.add_line(bill.id, item="dres", by=person("cashier"))
    with pytest.raises(StaleVersion):
        actions.change_bill(bill.id, notes="x", version=read, by=person("cashier"))


def test_simultaneous_charges_share_one_draft(real_app):
    patient_id = factories.patient().id

    def charge(source_id: int) -> None:
        with real_app.app_context():
            charges.add_charge(
                patient_id,
                description="Item",
                unit_price=Money("10.00"),
                source="dispense",
                source_id=source_id,
                by=SYSTEM,
            )

    with ThreadPoolExecutor(8) as desks:
        list(desks.map(charge, [1, 2, 3, 4, 5, 6, 1, 2]))
    assert database.session.execute(select(func.count(Bill.id))).scalar_one() == 1
    assert database.session.execute(select(func.count(BillLine.id))).scalar_one() == 6
    assert database.session.execute(select(Bill.total)).scalar_one() == Money("60.00")
