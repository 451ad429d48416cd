"""Bills with another payer: the parts add up, each payment pays one part, and the documents show it."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import update

from hms.billing.bills import actions as bill_actions
from hms.billing.bills import queries
from hms.billing.corrections import actions as correction_actions
from hms.billing.documents import receipt
from hms.billing.models import Bill
from hms.billing.payments import actions as payment_actions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.errors import Conflict, RuleBroken
from hms.core.money import ZERO, Money
from hms.core.person import SYSTEM
from hms.reports.reconciliation import find_discrepancies
from tests.billing import factories
from tests.page import Page, words


def shared(share: str, *prices: str) -> Bill:
    bill = factories.draft(factories.patient().id, *prices)
    return bill_actions.share_bill(bill.id, payer="Insurance", payer_share=share, by=SYSTEM)


def test_a_percentage_follows_the_total_and_an_amount_is_at_most_the_total(db, person):
    cashier, bill = person("cashier"), shared("80%", "100.00")
    assert bill.payer_share == Money("80.00")
    bill_actions.add_line(bill.id, item="Dressing", unit_price=Money("33.33"), by=cashier)
    assert bill.payer_share == Money("106.66")
    bill_actions.share_bill(bill.id, payer="Employer", payer_share="130.00", by=cashier)
    correction_actions.give_or_request_discount(bill.id, discount="10%", reason="staff", by=cashier)
    assert (bill.total, bill.payer_share) == (Money("120.00"), Money("120.00"))
    bill_actions.share_bill(bill.id, payer="self", by=cashier)
    assert (bill.payer, bill.payer_share) == ("self", ZERO)


@pytest.mark.parametrize(
    ("payer", "share", "field"),
    [
        ("Insurance", "", "payer_share"),
        ("Insurance", "100.01", "payer_share"),
        ("Insurance", "0", "payer_share"),
        ("Insurance", "101%", "payer_share"),
        ("Insurance", "lots", "payer_share"),
        ("Nobody we know", "10%", "payer"),
    ],
)
def test_invalid_shares_are_refused(db, person, payer, share, field):
    bill = factories.draft(factories.patient().id, "100.00")
    with pytest.raises(RuleBroken) as refusal:
        bill_actions.share_bill(bill.id, payer=payer, payer_share=share, by=person("cashier"))
    assert refusal.value.field == field


def test_each_payer_pays_at_most_their_part(db, person):
    cashier, bill = person("cashier"), shared("80%", "100.00")
    with pytest.raises(RuleBroken, match="Only 20.00"):
        payment_actions.take_payment(bill.id, Money("20.01"), "Cash", by=cashier)
    payment_actions.take_payment(bill.id, Money("20.00"), "Cash", by=cashier)
    assert (bill.status, queries.owed(bill.patient_id)) == ("part_paid", ZERO)
    assert [row.bill_id for row in queries.bills("to_pay", who=cashier).rows] == []
    assert [row.bill_id for row in queries.bills("payers", who=cashier).rows] == [bill.id]
    claim = payment_actions.take_payment(bill.id, Money("50.00"), "Insurance", "CLAIM-1", by=cashier)
    assert (claim.payer, bill.payer_paid) == ("Insurance", Money("50.00"))
    slip = receipt.receipt_content(claim, bill)
    assert ("Paid by", "Insurance") in slip.sums
    back = correction_actions.request_refund(claim.id, amount=Money("10.00"), reason="paid twice", by=cashier)
    correction_actions.approve(back.id, by=person("admin"))
    assert (bill.paid, bill.payer_paid) == (Money("60.00"), Money("40.00"))
    with pytest.raises(RuleBroken):
        correction_actions.request_write_off(bill.id, reason="poor", by=cashier)
    payment_actions.move_share_to_patient(bill.id, by=cashier)
    assert (bill.payer_share, queries.owed(bill.patient_id)) == (Money("40.00"), Money("40.00"))
    correction_actions.approve(
        correction_actions.request_write_off(bill.id, reason="poor", by=cashier).id, by=person("admin")
    )
    assert (bill.status, bill.written_off) == ("paid", Money("40.00"))
    with pytest.raises(RuleBroken, match="No other payer has anything left to pay"):
        payment_actions.move_share_to_patient(bill.id, by=cashier)
    assert list(find_discrepancies(clock.today())) == []


def test_the_database_refuses_parts_that_do_not_add_up(db):
    bill = shared("80%", "100.00")
    payment_actions.take_payment(bill.id, Money("20.00"), "Cash", by=SYSTEM)
    for wrong in (
        {"payer_share": Money("81")},
        {"payer_paid": Money("81")},
        {"payer": "Employer"},
        {"paid": Money("21")},
    ):
        with pytest.raises((RuleBroken, Conflict)), action_context("tests.cheat", SYSTEM):
            database.session.execute(update(Bill).filter_by(id=bill.id).values(wrong))


def test_parts_add_up_whatever_is_paid(db):
    dice = random.Random(5)
    for _n in range(6):
        bill = shared(f"{dice.randint(1, 100)}%", f"{dice.randint(1, 9999) / 100:.2f}")
        while bill.status != "paid":
            left = bill.total - bill.payer_share - (bill.paid - bill.payer_paid)
            payer, due = ("self", left) if left else (bill.payer, bill.payer_share - bill.payer_paid)
            amount = min(due, Money(f"{dice.randint(1, 5000) / 100:.2f}"))
            payment_actions.take_payment(bill.id, amount, "Cash", payer=payer, by=SYSTEM)
        assert bill.paid == bill.total


def test_on_the_page_and_in_the_api(db, desk, program):
    bill = factories.draft(factories.patient().id, "190.00")
    cashier, url = desk("cashier"), f"/billing/bills/{bill.id}"

    def send(path: str, action: str, **typed: str):
        page = Page(cashier.get(path).get_data(as_text=True))
        form = next(f for f in page.forms if f["action"].endswith(action))
        return cashier.post(form["action"], data={**form["fields"], **typed})

    refused = send(url, "/payer", payer="Insurance", payer_share="200%")
    assert (refused.status_code, "1% to 100%" in refused.get_data(as_text=True)) == (400, True)
    assert send(url, "/payer", payer="Insurance", payer_share="150.00").status_code == 303
    seen = words(cashier.get(url).get_data(as_text=True))
    assert "Patient 40.00 40.00 Insurance 150.00 150.00" in seen
    paid = send(f"{url}/pay", "/pay")
    assert (bill.paid, bill.payer_paid) == (Money("40.00"), ZERO)
    assert "Nothing left to pay by the patient. Insurance has SLE 150.00 left to pay." in words(
        cashier.get(paid.location).get_data(as_text=True)
    )
    wrong = send(f"{url}/pay", "/pay", payer="Employer", reference="123")
    assert (wrong.status_code, "no share of this bill" in wrong.get_data(as_text=True)) == (400, True)
    shown = program("cashier").get(f"/api/bills/{bill.id}/").get_json()
    assert (shown["patient_due"], shown["payer_due"], shown["payer"]) == ("0.00", "150.00", "Insurance")
    paid = {"bill": bill.id, "amount": "150.00", "method": "Insurance", "payer": "Insurance"}
    assert program("cashier").post("/api/payments/", json=paid).get_json()["payer"] == "Insurance"
    assert bill.status == "paid"
    sent = {"patient": bill.patient_id, "items": [{"description": "Bed", "amount": "10.00"}]}
    created = program("cashier").post("/api/bills/", json={**sent, "payer": "Charity", "payer_share": "50%"})
    assert (created.status_code, created.get_json()["payer_share"]) == (201, "5.00")
    bad = program("cashier").post("/api/bills/", json={**sent, "payer": "Charity", "payer_share": "x"})
    assert (bad.status_code, list(bad.get_json())) == (400, ["payer_share"])


def test_a_program_changes_the_payer_or_the_share_and_the_other_stays(db, program):
    client = program("cashier")
    sent = {"patient": factories.patient().id, "items": [{"description": "X-ray", "amount": "200.00", "quantity": 1}]}
    nobody = client.post("/api/bills/", json=sent | {"payer_share": "50%"})
    assert (nobody.status_code, list(nobody.json)) == (400, ["payer"])
    bill = client.post("/api/bills/", json=sent | {"payer": "Insurance", "payer_share": "50%"}).json
    address = f"/api/bills/{bill['id']}/"
    changes = [
        ({"payer_share": "25%"}, ("Insurance", "50.00")),
        ({"payer": "Charity"}, ("Charity", "50.00")),
        ({"payer_share": "30.00"}, ("Charity", "30.00")),
        ({"notes": "Called"}, ("Charity", "30.00")),
        ({"payer": "self"}, ("self", "0.00")),
    ]
    for change, kept in changes:
        changed = client.put(address, json=change)
        assert (changed.status_code, changed.json["payer"], changed.json["payer_share"]) == (200, *kept)
    refused = client.put(address, json={"payer_share": "10%"})
    assert (refused.status_code, list(refused.json)) == (400, ["payer"])
