"""Receiving goods, opening stock, adjusting and writing off; the ledger always adds up."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest
from sqlalchemy import func, select

from hms.core import clock
from hms.core.errors import Conflict, DomainError, NotAllowed, RuleBroken
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.formulary.medicines import actions as formulary
from hms.formulary.models import Medication
from hms.pharmacy.dispensing import actions as dispensing_actions
from hms.pharmacy.dispensing import returns
from hms.pharmacy.models import Batch, StockMovement, Supplier
from hms.pharmacy.receiving import actions as receiving_actions
from hms.pharmacy.receiving.actions import Received
from hms.pharmacy.stock import actions as stock_actions
from tests.pharmacy import factories as make


@pytest.fixture
def by(person):
    return person("pharmacist")


def stock_of(db, medicine):
    return db.session.execute(select(Medication.current_stock).filter_by(id=medicine.id)).scalar_one()


def test_a_delivery_makes_batches_and_moves_the_stock(db, by):
    one, two = make.medicine(), make.medicine("paracetamol")
    soon = clock.today().year % 100 + 2
    lines = [Received(one.id, "A1", f"11{soon}", 100, Money("1.20")), Received(two.id, "B1", f"nov{soon}", 50)]
    receipt = receiving_actions.receive_goods("Medstore", "INV-7", lines, by=by)
    assert receipt.number.startswith(f"G-{clock.today().year}-")
    batch = db.session.scalars(select(Batch).filter_by(receipt_id=receipt.id, medication_id=one.id)).one()
    assert (batch.expires_on, batch.quantity) == (date(2000 + soon, 11, 30), 100)
    assert (stock_of(db, one), stock_of(db, two)) == (100, 50)


def test_a_delivery_is_typed_with_a_comma_and_may_be_worth_more_than_one_bill(db, desk):
    medicine = make.medicine()
    expires = f"11{clock.today().year % 100 + 2}"
    line = {"lines-0-medication_id": medicine.id, "lines-0-medicine": medicine.name, "lines-0-expires_on": expires}
    for lot, cost, quantity in (("A1", "1,50", "1,000"), ("A2", "99,999,999.99", "90")):
        typed = {"lines-0-lot_number": lot, "lines-0-unit_cost": cost, "lines-0-quantity": quantity}
        assert desk("pharmacist").form("/pharmacy/receive", supplier="Stores", **line, **typed).status_code == 303
    batches = db.session.execute(select(Batch.unit_cost, Batch.quantity).order_by(Batch.id)).all()
    assert batches == [(Money("1.50"), 1000), (Money("99999999.99"), 90)]
    assert "9,000,001,499.10" in desk("pharmacist").get("/pharmacy/stock").get_data(as_text=True)


def test_a_known_lot_grows_and_its_supplier_is_known_again(db, by):
    medicine = make.medicine()
    day = clock.today() + timedelta(days=300)
    receiving_actions.receive_goods("Medstore", "1", [Received(medicine.id, "A1", day, 10)], by=by)
    receiving_actions.receive_goods("MEDSTORE", "2", [Received(medicine.id, "A1", day, 15)], by=by)
    assert db.session.scalars(select(Batch.quantity).filter_by(medication_id=medicine.id)).all() == [25]
    assert db.session.execute(select(func.count(Supplier.id))).scalar_one() == 1


def test_a_lot_of_another_expiry_is_refused(by):
    medicine = make.medicine()
    day = clock.today() + timedelta(days=300)
    make.receive([Received(medicine.id, "A1", day, 10)])
    with pytest.raises(RuleBroken, match="another expiry") as refused:
        make.receive([Received(medicine.id, "A1", day + timedelta(days=1), 10)])
    assert refused.value.field == "lines.0.expires_on"


def test_one_invoice_is_received_once(by):
    medicine = make.medicine()
    line = Received(medicine.id, "A1", clock.today() + timedelta(days=300), 10)
    receiving_actions.receive_goods("Medstore", "INV-7", [line], by=by)
    with pytest.raises(Conflict) as refused:
        receiving_actions.receive_goods("Medstore", "INV-7", [line], by=by)
    assert refused.value.field == "invoice_number"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lot_number": " "}, "lot_number"),
        ({"expires_on": "soon"}, "expires_on"),
        ({"expires_on": "0101"}, "expires_on"),
        ({"expires_on": None}, "expires_on"),
        ({"quantity": 0}, "quantity"),
        ({"unit_cost": Money("-1")}, "unit_cost"),
        ({"medication_id": 9**15}, "medication_id"),
    ],
)
def test_a_refused_line_names_its_field(db, by, change, field):
    good = {"medication_id": make.medicine().id, "lot_number": "A1", "expires_on": "1299", "quantity": 1}
    good["expires_on"] = clock.today() + timedelta(days=90)
    with pytest.raises(RuleBroken) as refused:
        make.receive([Received(**good), Received(**(good | {"lot_number": "A2"} | change))])
    assert refused.value.field == f"lines.1.{field}"


def test_an_empty_delivery_is_refused(db):
    with pytest.raises(RuleBroken):
        make.receive([])


@pytest.mark.parametrize("role", ["doctor", "nurse", "receptionist", "cashier", "lab", "patient"])
def test_who_may_move_stock(person, role):
    medicine = make.medicine()
    batch = make.batch(medicine)
    who = person(role)
    with pytest.raises(NotAllowed):
        receiving_actions.receive_goods("M", "1", [Received(medicine.id, "A", "1230", 1)], by=who)
    with pytest.raises(NotAllowed):
        stock_actions.adjust(batch.id, 1, "count", by=who)
    with pytest.raises(NotAllowed):
        stock_actions.write_off(batch.id, reason="broken", by=who)


def test_an_adjustment_needs_a_reason_and_the_quantity_shown(db, by):
    batch = make.batch(make.medicine(), 100)
    movement = stock_actions.adjust(batch.id, 90, "ten were broken", seen=100, by=by)
    assert movement.quantity == -10
    with pytest.raises(Conflict, match="90"):
        stock_actions.adjust(batch.id, 80, "count", seen=100, by=by)
    for quantity, reason, field in [(80, " ", "reason"), (90, "same", "quantity"), (-1, "x", "quantity")]:
        with pytest.raises(RuleBroken) as refused:
            stock_actions.adjust(batch.id, quantity, reason, by=by)
        assert refused.value.field == field


def test_a_write_off_empties_an_expired_batch(db, by):
    medicine = make.medicine()
    batch = make.batch(medicine, 30, days=-2)
    assert stock_actions.write_off(batch.id, reason="expired", by=by).quantity == -30
    assert stock_of(db, medicine) == 0
    with pytest.raises(RuleBroken, match="empty"):
        stock_actions.write_off(batch.id, reason="expired", by=by)


def test_opening_stock_goes_through_the_ledger(db):
    added = formulary.add_medication(name="oral rehydration salts", opening_stock=40, by=SYSTEM)
    assert added.current_stock == 40
    movement = db.session.scalars(select(StockMovement).filter_by(medication_id=added.id)).one()
    assert (movement.kind, movement.quantity, movement.reason) == ("receipt", 40, "Opening stock")


ACTIONS = ("receive", "receive", "dispense", "dispense", "return", "adjust", "write_off")


@pytest.mark.parametrize("seed", range(12))
def test_the_ledger_adds_up_whatever_happens(db, by, seed):
    chance = Random(seed)
    medicine = make.medicine()
    line = make.prescription(medicine, make.encounter(make.patient()), 500)
    day = clock.today() + timedelta(days=300)
    given_out: list[int] = []
    for number in range(25):
        what, quantity = chance.choice(ACTIONS), chance.randint(0, 60)
        batch_id = db.session.scalars(select(Batch.id).filter_by(medication_id=medicine.id)).first()
        try:
            if what == "receive":
                make.receive([Received(medicine.id, f"L{number % 3}", day + timedelta(days=number % 3), quantity)])
            elif what == "dispense":
                given_out.append(dispensing_actions.dispense(line.id, quantity, by=by).id)
            elif what == "return" and given_out:
                returns.return_dispensed(given_out[-1], quantity, "returned", goes_back=bool(quantity % 2), by=by)
            elif what == "adjust" and batch_id:
                stock_actions.adjust(batch_id, quantity, "counted", by=by)
            elif what == "write_off" and batch_id:
                stock_actions.write_off(batch_id, quantity, reason="broken", by=by)
        except DomainError:
            pass
        check_ledger(db, medicine)
    net = select(func.coalesce(-func.sum(StockMovement.quantity), 0)).where(
        StockMovement.medication_id == medicine.id, StockMovement.kind.in_(("dispense", "return"))
    )
    db.session.refresh(line)
    assert db.session.execute(net).scalar_one() == line.quantity_dispensed


def check_ledger(db, medicine):
    rows = select(Batch.quantity, func.coalesce(func.sum(StockMovement.quantity), 0)).outerjoin(
        StockMovement, StockMovement.batch_id == Batch.id
    )
    balances = db.session.execute(rows.where(Batch.medication_id == medicine.id).group_by(Batch.id)).all()
    assert all(balance == moved and balance >= 0 for balance, moved in balances)
    assert stock_of(db, medicine) == sum(balance for balance, _moved in balances)
