"""One amount and one bill are at most 99,999,999.99; more is refused with a message. Sums of bills have no limit."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from hms.billing.bills import actions, charges, discounts, issuing, queries
from hms.billing.bills.charges import BillableEvent
from hms.billing.models import Bill, BillLine, CashShift
from hms.core.db.session import db as database
from hms.core.errors import RuleBroken
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.reports.commands import prove
from tests.billing import factories
from tests.page import words

MOST = "99999999.99"
FULL = "A bill can have at most 99,999,999.99"


def item(amount: str = MOST, **values: object) -> dict:
    return {"description": "Operation", "amount": amount, "quantity": 1, **values}


@pytest.fixture
def patient_id(db) -> int:
    return factories.patient().id


@pytest.fixture
def full(patient_id) -> Bill:
    return factories.draft(patient_id, MOST)


def send(client, page: str, to: str, **data: object):
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).get_data(as_text=True))[1]
    return client.post(to, data={"csrf_token": token, **data})


@pytest.mark.parametrize(
    "items", [[item()] * 2, [item()] * 3, [item(), item("0.01")], [item("99999.99", quantity=1000)] * 2]
)
def test_a_bill_over_the_limit_is_refused_at_its_items(full, program, items):
    cashier = program("cashier")
    created = cashier.post("/api/bills/", json={"patient": full.patient_id, "items": items})
    changed = cashier.put(f"/api/bills/{full.id}/", json={"items": items})
    shared = cashier.post(
        "/api/bills/", json={"patient": full.patient_id, "items": items, "payer": "NHIS", "payer_share": "80%"}
    )
    for answer in (created, changed, shared):
        assert (answer.status_code, FULL in str(answer.get_json()["items"])) == (400, True)
    kept = cashier.get("/api/bills/").get_json()
    assert [(bill["id"], bill["total_amount"]) for bill in kept] == [(full.id, MOST)]


@pytest.mark.parametrize("amount", ["0.01", MOST])
def test_a_line_that_makes_a_bill_too_large_is_refused(full, program, desk, amount):
    added = program("cashier").post("/api/bill-items/", json={"bill": full.id, **item(amount)})
    assert (added.status_code, FULL in str(added.get_json()["items"])) == (400, True)
    page = f"/billing/bills/{full.id}"
    typed = send(desk("cashier"), page, f"{page}/lines", item="Operation", unit_price=amount, quantity="1")
    assert (typed.status_code, FULL in words(typed.get_data(as_text=True))) == (400, True)
    assert queries.subtotal(full.id) == Money(MOST)


def test_a_withdrawn_line_is_not_restored_on_a_full_bill(patient_id):
    bill = factories.draft(patient_id, MOST)
    line_id = database.session.scalars(select(BillLine.id).filter_by(bill_id=bill.id)).one()
    actions.withdraw_line(bill.id, line_id, by=SYSTEM)
    actions.add_item(bill.id, {"description": "Other", "unit_price": Money("1.00")}, by=SYSTEM)
    with pytest.raises(RuleBroken, match=FULL):
        actions.restore_line(bill.id, line_id, by=SYSTEM)


def test_a_discount_makes_no_room_for_more_lines(full):
    discounts.give_discount(full.id, discount="5%", reason="staff", by=SYSTEM)
    with pytest.raises(RuleBroken, match=FULL):
        actions.add_item(full.id, {"description": "Other", "unit_price": Money("1.00")}, by=SYSTEM)


def test_charges_of_care_fill_a_discounted_draft_only_to_its_limit(patient_id):
    def charge(number: int, amount: str):
        return charges.add_charge(
            patient_id, description="Operation", unit_price=Money(amount), source="test", source_id=number, by=SYSTEM
        )

    bill_id = charge(1, "99999999.00").bill_id
    discounts.give_discount(bill_id, discount="5%", reason="staff", by=SYSTEM)
    assert charge(2, "0.99").bill_id == bill_id
    with pytest.raises(RuleBroken, match=FULL):
        charge(3, "0.01")
    assert issuing.issue(bill_id, by=SYSTEM).total == Money("95000000.04")


def test_charges_of_care_over_the_limit_are_refused_until_the_draft_is_issued(patient_id):
    def charge(number: int, amount: str = MOST):
        return charges.add_charge(
            patient_id, description="Operation", unit_price=Money(amount), source="test", source_id=number, by=SYSTEM
        )

    first = charge(1)
    for amount in ("0.01", MOST):
        with pytest.raises(RuleBroken, match=FULL):
            charge(2, amount)
    assert queries.subtotal(first.bill_id) == Money(MOST)
    issuing.issue(first.bill_id, by=SYSTEM)
    assert charge(2).bill_id != first.bill_id
    item = factories.price("OP", "Operation", MOST)
    events = [BillableEvent(number, 1, item, "Operation") for number in (3, 4)]
    with pytest.raises(RuleBroken, match=FULL):
        charges.add_charges(factories.patient().id, "test", events, by=SYSTEM)


@pytest.mark.parametrize("amount", ["100000000", "100000000.00", "9999999999.99", "1E+999999999", "-100000000"])
def test_one_amount_over_the_limit_is_refused(full, program, desk, amount):
    cashier, pages = program("cashier"), desk("cashier")
    bill = factories.draft(full.patient_id, "10.00")
    issuing.issue(bill.id, by=SYSTEM)
    payment = {"bill": bill.id, "amount": amount, "method": "Cash"}
    answers = [
        cashier.post("/api/bills/", json={"patient": full.patient_id, "items": [item(amount)]}),
        cashier.post("/api/bill-items/", json={"bill": full.id, **item(amount)}),
        cashier.put(f"/api/bills/{full.id}/", json={"items": [item(amount)]}),
        cashier.post("/api/payments/", json=payment),
        cashier.post("/api/payments/", json=payment | {"amount": "10.00", "tendered": amount}),
        cashier.put(f"/api/bills/{full.id}/", json={"payer": "NHIS", "payer_share": amount[:12]}),
    ]
    page = f"/billing/bills/{full.id}"
    typed = [
        send(pages, page, f"{page}/lines", item="Operation", unit_price=amount),
        send(
            desk("admin"), "/billing/prices/new", "/billing/prices/new", code="OP", name="Operation", unit_price=amount
        ),
        send(pages, page, f"{page}/discount", discount=amount[:12], reason="staff"),
        send(pages, page, f"{page}/payer", payer="NHIS", payer_share=amount[:12]),
        send(pages, "/billing/till", f"/billing/bills/{bill.id}/pay", amount=amount, method="Cash"),
        send(pages, "/billing/till", f"/billing/bills/{bill.id}/pay", amount="10", tendered=amount, method="Cash"),
        send(pages, "/billing/till", f"/billing/bills/{bill.id}/write-off", amount=amount, reason="poor"),
        send(pages, "/billing/till", "/billing/till/open", float_amount=amount),
    ]
    assert [answer.status_code for answer in (*answers, *typed)] == [400] * len([*answers, *typed])
    if amount == "100000000":
        assert "Enter an amount of at most 99,999,999.99." in answers[1].get_data(as_text=True)
        assert "Enter an amount of at most 99,999,999.99." in typed[0].get_data(as_text=True)


def test_a_refund_is_within_the_limits(full, program, desk):
    issuing.issue(full.id, by=SYSTEM)
    assert desk("cashier").get(f"/billing/bills/{full.id}/pay").status_code == 200
    paid = (
        program("cashier").post("/api/payments/", json={"bill": full.id, "amount": MOST, "method": "Cash"}).get_json()
    )
    page = f"/billing/payments/{paid['id']}/refund"
    for amount in ("100000000", "9999999999.99"):
        assert (
            send(
                desk("cashier"), page, page, amount=amount, method="Cash", reason="error", is_credit="owed"
            ).status_code
            == 400
        )
    assert (
        send(desk("cashier"), page, page, amount=MOST, method="Cash", reason="error", is_credit="owed").status_code
        == 303
    )


@pytest.fixture
def paid_twice(db, program) -> list[Bill]:
    """Two bills of the largest amount, issued and paid at one till on one day."""
    cashier = program("cashier")
    bills = [factories.draft(factories.patient().id, MOST) for _each in range(2)]
    for bill, method in zip(bills, ("Cash", "Cash"), strict=True):
        issuing.issue(bill.id, by=SYSTEM)
        paid = cashier.post("/api/payments/", json={"bill": bill.id, "amount": MOST, "method": method})
        assert paid.status_code == 201
    return bills


def test_the_bills_of_one_patient_may_add_up_to_more(patient_id, program, desk):
    for _each in range(2):
        issuing.issue(factories.draft(patient_id, MOST).id, by=SYSTEM)
    assert queries.owed(patient_id) == Money("199999999.98")
    bill_id = database.session.scalars(select(Bill.id)).first()
    for address in (
        "/billing/",
        f"/billing/bills/{bill_id}",
        f"/billing/bills/{bill_id}/pay",
        f"/patients/{patient_id}",
    ):
        assert desk("cashier").get(address).status_code == 200, address
    assert program("admin").get("/api/report/billing-stats/").get_json()["total_billed"] == "199999999.98"


def test_reports_show_sums_above_the_limit_of_a_bill(paid_twice, program, desk):
    for role in ("admin", "cashier"):
        for address in ("/", "/reports/", "/reports/?period=month", "/billing/"):
            assert desk(role).get(address).status_code == 200, (role, address)
        for address in ("/api/dashboard-stats/", "/api/dashboard/", "/api/report/billing-stats/"):
            assert program(role).get(address).status_code == 200, (role, address)
    assert program("admin").get("/api/report/billing-stats/").get_json()["total_paid"] == "199999999.98"
    assert "199,999,999.98" in desk("admin").get("/reports/").get_data(as_text=True)


def test_a_till_above_the_limit_of_a_bill_is_counted_and_closed(paid_twice, desk, app):
    cashier = desk("cashier")
    assert cashier.get("/billing/till").status_code == 200
    for _each in range(2):
        assert (
            send(cashier, "/billing/till", "/billing/till/count", loose="199,999,999.98", card="0").status_code == 303
        )
    assert "199,999,999.98" in cashier.get("/billing/till").get_data(as_text=True)
    done = send(cashier, "/billing/till", "/billing/till/close")
    assert done.status_code == 303
    assert "199,999,999.98" in cashier.get(done.headers["Location"]).get_data(as_text=True)
    shift = database.session.scalars(select(CashShift)).one()
    assert (shift.expected, shift.counted["methods"]["Cash"]) == ({"Cash": "199999999.98"}, "199999999.98")
    result = app.test_cli_runner().invoke(prove)
    assert result.exit_code == 0, result.output


def test_the_database_refuses_more(full):
    with pytest.raises(IntegrityError, match="possible"):
        database.session.execute(text("UPDATE bill SET total = 100000000"))
    database.session.rollback()
