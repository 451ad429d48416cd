"""A comma at the till, on a bill, in the price list and in the API is read as what was meant, or refused in words."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from hms.billing.bills import discounts, issuing
from hms.billing.models import Bill, BillLine, Payment, PriceItem
from hms.core import money
from hms.core.db.session import db as database
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.core.settings.decimal_sign import usual_sign
from hms.reports.commands import prove
from tests.billing import factories
from tests.page import words


@pytest.fixture
def bill(db) -> Bill:
    return factories.draft(factories.patient().id, "5000.00")


@pytest.fixture
def comma(db, person) -> None:
    settings.change_setting("hospital.decimal_sign", "comma", by=person("admin"))


def in_currency(code: str):
    """The hospital works in another currency."""

    @pytest.fixture
    def currency(app, monkeypatch):
        before = app.config["CURRENCY"]
        monkeypatch.setitem(app.config, "CURRENCY", code)
        money.set_currency(code)
        yield
        money.set_currency(before)

    return currency


francs, dinars = in_currency("XOF"), in_currency("TND")


def send(client, page: str, to: str, **data: object):
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).get_data(as_text=True))[1]
    return client.post(to, data={"csrf_token": token, **data})


def add_line(desk, bill: Bill, typed: str) -> tuple[int, str | None]:
    """The status of the answer, and the price of the line that was added."""
    before = set(database.session.scalars(select(BillLine.id)))
    page = f"/billing/bills/{bill.id}"
    answer = send(desk("cashier"), page, f"{page}/lines", item="Dressing", unit_price=typed, quantity="1")
    new = [line for line in database.session.scalars(select(BillLine)) if line.id not in before]
    return answer.status_code, str(new[0].unit_price) if new else None


POINT = [("1,50", "1.50"), ("12,5", "12.50"), ("1,250.00", "1250.00"), ("1,250", "1250.00"), ("1.250,00", None)]
COMMA = [("1,50", "1.50"), ("1.250,00", "1250.00"), ("1.250", "1250.00"), ("12.5", "12.50"), ("1,250.00", None)]


@pytest.mark.parametrize(("typed", "price"), [*POINT, ("1.505", None), ("-0", None), ("٣", None)])
def test_a_price_on_a_bill_is_read_with_a_point_before_the_decimals(desk, bill, typed, price):
    assert add_line(desk, bill, typed) == (303 if price else 400, price)


@pytest.mark.parametrize(("typed", "price"), [*COMMA, ("1,505", None)])
def test_a_hospital_that_writes_the_comma_reads_it(desk, bill, comma, typed, price):
    assert add_line(desk, bill, typed) == (303 if price else 400, price)


@pytest.mark.parametrize(("typed", "price"), [("1,50", "1.50"), ("1,250.00", None), ("1,250", None), ("12,5", "12.50")])
@pytest.mark.parametrize("sign", ["point", "comma"])
def test_the_meaning_of_what_a_program_sends_depends_on_no_setting(program, bill, person, sign, typed, price):
    settings.change_setting("hospital.decimal_sign", sign, by=person("admin"))
    sent = {"bill": bill.id, "description": "Dressing", "amount": typed}
    added = program("cashier").post("/api/bill-items/", json=sent)
    assert added.status_code == (201 if price else 400)
    assert added.get_json()["amount"] == (
        price
        or [
            "Send the amount with a point before the decimals and without signs between thousands, for example 1250.00."
        ]
    )


def test_the_till_the_price_list_and_a_discount_read_the_same(desk, bill, db):
    cashier, page = desk("cashier"), f"/billing/bills/{bill.id}"
    assert send(cashier, page, f"{page}/discount", discount="3,3%", reason="staff").status_code == 303
    assert db.session.get(Bill, bill.id).discount == Money("165.00")
    issuing.issue(bill.id, by=SYSTEM)
    paid = send(cashier, "/billing/till", f"{page}/pay", amount="1,50", tendered="2,5", method="Cash")
    assert paid.status_code == 303
    payment = db.session.scalars(select(Payment)).one()
    assert (payment.amount, payment.tendered) == (Money("1.50"), Money("2.50"))
    new = "/billing/prices/new"
    made = send(desk("admin"), new, new, code="DR", name="Dressing", category="service", unit_price="1,250")
    assert made.status_code == 303
    assert db.session.scalars(select(PriceItem.unit_price).filter_by(code="DR")).one() == Money("1250.00")


def test_a_page_shows_amounts_as_it_reads_them(desk, bill, comma):
    issuing.issue(bill.id, by=SYSTEM)
    page = desk("cashier").get(f"/billing/bills/{bill.id}/pay").get_data(as_text=True)
    assert 'value="5000,00"' in page
    assert "SLE\u00a05.000,00" in page
    assert 'data-decimal-sign=","' in page


def test_a_refusal_says_how_an_amount_is_written_here(desk, bill, comma):
    page = f"/billing/bills/{bill.id}"
    refused = send(desk("cashier"), page, f"{page}/lines", item="Dressing", unit_price="1,505", quantity="1")
    assert "at most two decimals, for example 1.250,00" in words(refused.get_data(as_text=True))


def test_the_sign_of_a_hospital_is_that_of_its_country_until_it_is_chosen():
    signs = {country: usual_sign(country) for country in ("SL", "NG", "GH", "SN", "TN", "UG", "FR", "DE", "CH", "XX")}
    assert "".join(signs.values()) == "...,,.,,.."


def test_francs_have_no_decimals(desk, program, francs, db):
    bill = factories.draft(factories.patient().id, "5000", "1500")
    program = program("cashier")
    read = program.get(f"/api/bills/{bill.id}/").get_json()
    assert [read["total_amount"], *(item["amount"] for item in read["items"])] == ["6500", "5000", "1500"]
    assert add_line(desk, bill, "1,250") == (303, "1250")
    for typed in ("12.5", "1,50", "190.00"):
        assert add_line(desk, bill, typed) == (400, None)
    sent = {"bill": bill.id, "description": "Dressing", "amount": "12.5"}
    refused = program.post("/api/bill-items/", json=sent)
    assert refused.get_json() == {"amount": ["Enter an amount without decimals, for example 190."]}
    page = f"/billing/bills/{bill.id}"
    assert send(desk("cashier"), page, f"{page}/discount", discount="3.3%", reason="staff").status_code == 303
    assert db.session.get(Bill, bill.id).discount == Money(256)
    assert "XOF\u00a07,494" in desk("cashier").get(page).get_data(as_text=True)
    assert program.get("/api/report/billing-stats/").get_json()["outstanding"] == "0"


def test_a_discount_of_the_limit_is_rounded_to_the_smallest_amount(francs, db):
    bill = factories.draft(factories.patient().id, "6505")
    discounts.give_discount(bill.id, discount="10%", reason="staff", by=SYSTEM)
    assert issuing.issue(bill.id, by=SYSTEM).total == Money(5854)


def test_dinars_have_three_decimals(desk, program, dinars, app):
    bill = factories.draft(factories.patient().id, "1.505")
    assert add_line(desk, bill, "2.5055") == (400, None)
    assert add_line(desk, bill, "2.505") == (303, "2.505")
    read = program("cashier").get(f"/api/bills/{bill.id}/").get_json()
    assert [read["total_amount"], *(item["amount"] for item in read["items"])] == ["4.010", "1.505", "2.505"]
    assert "TND\u00a04.010" in desk("cashier").get(f"/billing/bills/{bill.id}").get_data(as_text=True)
    issuing.issue(bill.id, by=SYSTEM)
    paid = program("cashier").post("/api/payments/", json={"bill": bill.id, "amount": "4.010", "method": "Cash"})
    assert (paid.status_code, paid.get_json()["amount"]) == (201, "4.010")
    assert app.test_cli_runner().invoke(prove).exit_code == 0
    money.set_currency("SLE")
    proof = app.test_cli_runner().invoke(prove)
    assert proof.exit_code == 1
    assert "bill_line" in proof.output
    assert "more decimals than the currency" in proof.output
