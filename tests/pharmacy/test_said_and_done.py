"""Messages of success of pharmacy and billing say what the rows say, and no more."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from hms.billing.bills import issuing
from hms.billing.corrections import actions as correction_actions
from hms.billing.models import Bill, BillLine, Correction, Payment, PriceItem
from hms.billing.payments import actions as payment_actions
from hms.clinical.models import Prescription
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.drafts import Draft
from hms.core.errors import Conflict
from hms.core.money import ZERO, Money
from hms.core.person import SYSTEM
from hms.formulary.models import RuleChange
from hms.formulary.rule_book import queries as rule_queries
from hms.lab.actions import PRICE_PREFIX, cancel_order, order_test
from hms.pharmacy.dispensing import actions as dispensing
from hms.pharmacy.dispensing import returns
from hms.pharmacy.models import Batch, GoodsReceipt, StockMovement
from hms.reports.reconciliation import find_discrepancies
from tests.conftest import PASSWORD
from tests.page import said, words
from tests.pharmacy import factories as make
from tests.staff import factories as staff


def _dispensed(person, *, price: str | None = "2.50", quantity: int = 20, of: Any = None) -> Any:
    medicine = make.medicine(price=price)
    visit = make.encounter(of or make.patient())
    make.batch(medicine, 50)
    return dispensing.dispense(make.prescription(medicine, visit, quantity).id, by=person("pharmacist"))


def _bill_of(given: Any) -> Bill:
    line = database.session.scalars(select(BillLine).filter_by(source="dispense", source_id=given.id)).first()
    return database.session.get(Bill, line.bill_id)


def _issue(given: Any, person: Any) -> Bill:
    return issuing.issue(_bill_of(given).id, by=person("cashier"))


def _requests() -> list[tuple[str, str, Any]]:
    database.session.expire_all()
    rows = database.session.scalars(select(Correction).order_by(Correction.id))
    return [(row.kind, row.status, row.amount) for row in rows]


def test_a_return_says_what_became_of_stock_and_bill(desk, person):
    at = desk("pharmacist")

    def give_back(given: Any, **more: str) -> str:
        return said(at, f"/pharmacy/dispenses/{given.id}/return", quantity="5", reason="not tolerated", **more)

    on_draft = _dispensed(person)
    assert "Returned to stock. The bill was corrected" in give_back(on_draft, goes_back="y")
    assert _bill_of(on_draft).total == Money("37.50")
    assert _requests() == []

    on_issued = _dispensed(person)
    bill = _issue(on_issued, person)
    shown = give_back(on_issued)
    assert "Returned and written off. The bill is issued: its credit was requested and needs approval" in shown
    assert _requests() == [("write_off", "waiting", Money("12.50"))]
    assert (bill.total, bill.written_off) == (Money("50.00"), ZERO)
    kinds = database.session.scalars(select(StockMovement.kind).filter_by(dispense_id=on_issued.id)).all()
    assert kinds.count("write_off") == 1

    not_charged = _dispensed(person)
    with action_context("tests.seed", SYSTEM):
        database.session.execute(
            text("UPDATE bill_line SET withdrawn_at = now(), withdrawn_reason = 'x' WHERE source_id = :id"),
            {"id": not_charged.id},
        )
    assert "Returned to stock. There was no charge to correct" in give_back(not_charged, goes_back="y")
    active = select(BillLine).filter_by(source="dispense", source_id=not_charged.id, withdrawn_at=None)
    assert database.session.scalars(active).all() == []


def test_a_return_on_a_void_bill_says_that_nothing_is_credited(desk, person):
    given = _dispensed(person)
    bill = _issue(given, person)
    request = correction_actions.request_void(bill.id, reason="Wrong patient", by=person("cashier"))
    correction_actions.approve(request.id, by=person("admin"))
    path = f"/pharmacy/dispenses/{given.id}/return"
    shown = said(desk("pharmacist"), path, quantity="5", reason="not tolerated", goes_back="y")
    assert "Returned to stock. The bill was not changed: nothing is left on it to credit" in shown
    assert _requests() == [("void", "approved", None)]


def test_the_credit_of_a_return_is_approved_by_another_person(desk, person):
    given = _dispensed(person)
    bill = _issue(given, person)
    for quantity in (5, 3):  # the second request includes the first
        returns.return_dispensed(given.id, quantity, "not tolerated", by=person("pharmacist"))
    assert _requests() == [("write_off", "withdrawn", Money("12.50")), ("write_off", "waiting", Money("20.00"))]
    request = database.session.scalars(select(Correction).filter_by(status="waiting")).one()
    shown = said(desk("cashier"), f"/billing/approvals/{request.id}/approve", proof=PASSWORD)
    assert "Request approved" in shown
    database.session.expire_all()
    assert (bill.written_off, bill.status) == (Money("20.00"), "issued")
    assert list(find_discrepancies()) == []


def test_a_paid_bill_is_credited_after_the_money_went_back(person):
    given = _dispensed(person)
    bill = _issue(given, person)
    payment = payment_actions.take_payment(bill.id, Money("50.00"), "Cash", by=person("cashier"))
    returns.return_dispensed(given.id, 4, "not tolerated", by=person("pharmacist"))
    assert _requests() == [("write_off", "waiting", Money("10.00"))]
    refund = correction_actions.request_refund(
        payment.id, amount=Money("10.00"), reason="Returned", by=person("cashier")
    )
    correction_actions.approve(refund.id, by=person("admin"))
    credit = database.session.scalars(select(Correction).filter_by(kind="write_off")).one()
    correction_actions.approve(credit.id, by=person("admin"))
    assert (bill.status, bill.paid, bill.written_off) == ("paid", Money("40.00"), Money("10.00"))
    assert list(find_discrepancies()) == []


def test_a_return_waits_while_another_person_s_correction_does(person):
    given = _dispensed(person)
    bill = _issue(given, person)
    correction_actions.request_write_off(bill.id, amount=Money("1.00"), reason="Poor", by=person("cashier"))
    with pytest.raises(Conflict, match="waiting for approval"):
        returns.return_dispensed(given.id, 4, "not tolerated", by=person("pharmacist"))
    assert database.session.scalars(select(Batch.quantity)).all() == [30]


def test_a_cancelled_test_on_an_issued_bill_requests_its_credit(person):
    doctor, patient = person("doctor"), make.patient()
    make.saved(PriceItem(code=PRICE_PREFIX + "FBC", name="Full blood count", unit_price=Money("80.00")))
    visit = make.saved(make.Encounter(patient_id=patient.id, doctor_id=doctor.id, started_at=make.clock.now()))
    order = order_test(visit.id, code="FBC", by=doctor)
    line = database.session.scalars(select(BillLine).filter_by(source_id=order.id)).one()
    issuing.issue(line.bill_id, by=person("cashier"))
    cancel_order(order.id, by=doctor)
    assert _requests() == [("write_off", "waiting", line.amount)]


def test_paid_is_said_of_medicines_that_were_charged(desk, person):
    """The patient owes nothing for the last visit; what is not dispensed yet is on no bill."""
    patient = make.patient()
    earlier = _dispensed(person, of=patient)
    payment_actions.take_payment(_bill_of(earlier).id, Money("50.00"), "Cash", by=person("cashier"))
    medicine, at = make.medicine("metronidazole"), desk("pharmacist")
    make.batch(medicine, 50)
    line = make.prescription(medicine, make.encounter(patient), 20)
    page = words(at.get("/pharmacy/").get_data(as_text=True))
    assert "Not charged yet" in page
    assert "Paid" not in page
    dispensing.dispense(line.id, 5, by=person("pharmacist"))
    page = words(at.get("/pharmacy/?show=owing").get_data(as_text=True))
    assert "To pay" in page


def test_each_message_of_a_request_is_about_a_row(desk, person):
    given = _dispensed(person)
    bill, cashier, admin = _bill_of(given), desk("cashier"), desk("admin")
    shown = said(cashier, f"/billing/bills/{bill.id}", "/issue")
    database.session.expire_all()
    assert f"Bill {bill.number} issued" in shown
    assert (bill.status, bool(bill.number)) == ("issued", True)
    sent = "Request sent. A colleague with approval rights decides."
    assert sent in said(cashier, f"/billing/bills/{bill.id}/write-off", amount="4.00", reason="Poor")
    assert sent in said(cashier, f"/billing/bills/{bill.id}/void", reason="Wrong patient")
    payment = payment_actions.take_payment(bill.id, Money("6.00"), "Cash", by=person("cashier"))
    assert sent in said(
        cashier,
        f"/billing/payments/{payment.id}/refund",
        amount="1.00",
        method="Cash",
        reason="Too much",
        is_credit="owed",
    )
    waiting = ["write_off", "void", "refund"]
    assert [(kind, status) for kind, status, _ in _requests()] == [(kind, "waiting") for kind in waiting]
    ids = database.session.scalars(select(Correction.id).order_by(Correction.id)).all()
    assert (bill.written_off, bill.paid) == (ZERO, Money("6.00"))
    assert "Request withdrawn" in said(cashier, f"/billing/bills/{bill.id}", f"/{ids[1]}/take-back")
    assert "Request declined" in said(admin, f"/billing/approvals/{ids[0]}/decline", reason="She can pay")
    assert "Request approved" in said(admin, f"/billing/approvals/{ids[2]}/approve", proof=PASSWORD)
    assert [status for _, status, _ in _requests()] == ["declined", "withdrawn", "approved"]
    assert (bill.written_off, bill.paid) == (ZERO, Money("5.00"))
    assert database.session.scalars(select(Payment.amount).filter_by(kind="refund")).all() == [Money("1.00")]


def test_each_message_of_a_draft_and_of_shares_is_about_a_row(desk, person):
    given, cashier = _dispensed(person), desk("cashier")
    bill = _bill_of(given)
    page, line = f"/billing/bills/{bill.id}", database.session.scalars(select(BillLine)).one()
    assert f"{line.description} removed" in said(cashier, page, f"/lines/{line.id}/withdraw")
    assert database.session.get(BillLine, line.id, populate_existing=True).withdrawn_at is not None
    assert f"{line.description} restored" in said(cashier, page, to=f"{page}/lines/{line.id}/restore")
    assert database.session.get(BillLine, line.id, populate_existing=True).withdrawn_at is None
    said(cashier, page, f"{page}/payer", payer="Insurance", payer_share="30.00")
    assert "Request sent. This discount needs approval" in said(
        cashier, page, "/discount", discount="90%", reason="Poor"
    )
    assert [(kind, status) for kind, status, _ in _requests()] == [("discount", "waiting")]
    waiting = database.session.scalars(select(Correction.id)).one()
    said(desk("admin"), f"/billing/approvals/{waiting}/decline", reason="She can pay")
    said(cashier, page, "/issue")
    moved = said(cashier, page, to=f"{page}/payer/refused")
    assert "The payer's remaining share was moved to the patient" in moved
    database.session.expire_all()
    assert (bill.payer_share, bill.status) == (ZERO, "issued")


def test_each_message_of_prices_and_receipts_is_about_a_row(desk, person):
    admin, at = desk("admin"), desk("pharmacist")
    before = len(database.session.scalars(select(PriceItem.id)).all())
    shown = said(admin, "/billing/prices", to="/billing/prices/start")
    added = len(database.session.scalars(select(PriceItem.id)).all()) - before
    assert added
    assert f"{added} items added. Enter the price of each." in shown
    assert "Nothing was added." in said(admin, "/billing/prices/new", to="/billing/prices/start")
    typed = {"code": "DRESS", "name": "Dressing", "category": "other", "unit_price": "5"}
    assert "DRESS saved" in said(admin, "/billing/prices/new", **typed)
    assert database.session.scalars(select(PriceItem.unit_price).filter_by(code="DRESS")).one() == Money("5.00")
    medicine = make.medicine("quinine")
    row = {"medicine": medicine.name, "lot_number": "A1", "expires_on": "1229", "quantity": "30", "unit_cost": "1.5"}
    grid = {f"lines-0-{name}": value for name, value in row.items()} | {"supplier": "Medstore"}
    at.form("/pharmacy/receive", **grid, do="add_line")
    assert len(database.session.scalars(select(Draft)).all()) == 1
    assert "Unfinished goods receipt discarded." in said(at, "/pharmacy/receive", to="/pharmacy/receive/draft/discard")
    assert database.session.scalars(select(Draft)).all() == []
    assert database.session.scalars(select(GoodsReceipt)).all() == []
    shown = said(at, "/pharmacy/receive", **grid)
    receipt = database.session.scalars(select(GoodsReceipt)).one()
    assert f"Goods receipt {receipt.number} posted" in shown
    assert database.session.scalars(select(Batch.quantity)).all() == [30]


def test_each_message_of_the_pharmacy_is_about_a_row(desk):
    line, batch = make.ordered(20, 40)
    at, path = desk("pharmacist"), f"/pharmacy/lines/{line.id}"

    def status() -> str:
        database.session.expire_all()
        return database.session.get(Prescription, line.id).status

    assert "Query sent. The prescription is on hold" in said(at, path, "/query", reason="Dose for a child?")
    assert status() == "on_hold"
    assert "Prescription resumed" in said(at, path, "/resume")
    assert status() == "active"
    assert "On hold" in said(at, path, "/query", f"{path}/hold", reason="Waits for the result")
    assert status() == "on_hold"
    said(at, path, "/resume")
    assert "Prescription closed" in said(at, path, "/query", f"{path}/close", reason="Bought elsewhere")
    assert status() not in ("active", "part_dispensed", "on_hold")
    stock = f"/pharmacy/stock/batches/{batch.id}"
    assert "Stock adjusted" in said(at, f"{stock}/adjust", new_quantity="38", kind="Damaged", seen="40")
    assert database.session.scalars(select(Batch.quantity)).all() == [38]
    assert "Written off" in said(at, f"{stock}/write-off", quantity="38", kind="Expired-Discarded")
    database.session.expire_all()
    assert database.session.scalars(select(Batch.quantity)).all() == [0]


def test_each_message_about_a_rule_is_about_a_row(desk):
    staff.account("pharmacist2", "pharmacist")
    one, two = desk("pharmacist"), desk("pharmacist2")
    rule = rule_queries.list_rules("lithium", rule_list="kidney")[0].line
    path = f"/pharmacy/rules/{rule.key}"

    def last() -> RuleChange:
        database.session.expire_all()
        return rule_queries.list_changes("waiting", before=None, limit=1)[0]

    told = said(one, f"{path}/change", advice="Measure the level each week.", reason="Clearer")
    assert "Proposed. The change counts when a second pharmacist approves it." in told
    change, at = last(), f"/pharmacy/rules/changes/{last().id}"
    assert (change.reason, rule_queries.get_rule(rule.key).line.cells) == ("Clearer", rule.cells)
    assert "Approve…" not in words(one.get(at).get_data(as_text=True))
    assert one.form(f"{at}/approve").status_code == 400
    assert "Approved. The rules of version 1 count now." in said(two, f"{at}/approve", proof=PASSWORD)
    assert rule_queries.get_rule(rule.key).line.shown["advice"] == "Measure the level each week."
    said(one, f"{path}/retire", reason="Never seen", source="Own records")
    change = last()
    assert "Proposal declined" in said(two, f"/pharmacy/rules/changes/{change.id}/decline", reason="It is real")
    assert (change.decision, change.decision_note) == ("declined", "It is real")
    limit = {"ingredient": "metformin", "kind": "weekly", "unit": "mg", "most": "21000", "source": "Own records"}
    said(one, "/pharmacy/rules/new/dose_limits", **limit, reason="For a test")
    change = last()
    assert "Proposal withdrawn" in said(one, f"/pharmacy/rules/changes/{change.id}", ending="/withdraw")
    assert (change.decision, rule_queries.list_rules("metformin 21000")) == ("withdrawn", [])
