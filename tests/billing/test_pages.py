"""The billing pages: bills, payment, receipt, till and price list."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select

from hms.billing.models import Bill, BillLine, CashShift, Correction, Payment, PriceItem
from hms.billing.payments import actions
from hms.billing.prices import actions as prices
from hms.core.db.session import db as database
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.core.text.cleaning import without_control_characters
from tests.billing import factories
from tests.conftest import PASSWORD
from tests.page import Page, words


@pytest.fixture
def bill(db):
    factories.price("DRES", "Dressing, small", "35.00")
    return factories.draft(factories.patient().id, "150.00", "40.00")


def test_the_pay_queue_finds_bills_by_state_number_and_patient(bill, desk):
    cashier = desk("cashier")
    assert "KAMARA, Kadiatu" in words(cashier.get("/billing/").get_data(as_text=True))
    payment = actions.take_payment(bill.id, Money("190.00"), "Cash", by=SYSTEM)
    assert "No unpaid bills" in words(cashier.get("/billing/").get_data(as_text=True))
    for address in (
        "/billing/?state=paid",
        f"/billing/?q={bill.number}",
        f"/billing/?q={payment.number.replace('-', '')}",
        "/billing/?q=kadi",
        f"/billing/?patient_id={bill.patient_id}&state=all",
        "/billing/rows?state=all",
    ):
        assert bill.number in cashier.get(address).get_data(as_text=True), address
    for nothing in ("/billing/?q=B-2001-000001", "/billing/?state=void", "/billing/?q=Zzyzx"):
        assert bill.number not in cashier.get(nothing).get_data(as_text=True), nothing
    for odd in (
        "/billing/?state=nonsense",
        "/billing/?before=x&after=-1",
        "/billing/?q=%00%25_",
        "/billing/?patient_id=a",
    ):
        assert cashier.get(odd).status_code == 200, odd


def test_the_list_has_pages(db, desk):
    patient_id = factories.patient().id
    ids = [factories.draft(patient_id, "10.00").id for _ in range(60)]
    cashier, seen, url = desk("cashier"), [], "/billing/"
    while url:
        page = Page(cashier.get(url).get_data(as_text=True))
        seen += [int(m[1]) for link in page.links if (m := re.fullmatch(r"/billing/bills/(\d+)", link))]
        url = next((link for link in page.links if "before=" in link), None)
    assert seen == sorted(ids, reverse=True)
    back = cashier.get(f"/billing/?after={ids[29]}")
    shown = [int(m[1]) for m in re.finditer(r'href="/billing/bills/(\d+)"', back.get_data(as_text=True))]
    assert shown == sorted(ids[30:55], reverse=True)


def test_the_list_needs_as_many_queries_for_many_bills_as_for_few(db, desk):
    cashier = desk("cashier")
    factories.draft(factories.patient().id, "10.00")
    cashier.get("/billing/")
    few = cashier.get("/billing/").headers["X-Queries"]
    for _ in range(24):
        factories.draft(factories.patient().id, "10.00")
    assert cashier.get("/billing/").headers["X-Queries"] == few


def test_the_cashier_adds_removes_and_restores_a_line(bill, desk):
    cashier, url = desk("cashier"), f"/billing/bills/{bill.id}"
    assert _send(cashier, url, "/lines", item="3*dres").status_code == 303
    assert bill.total == Money("295.00")
    line = database.session.scalars(select(BillLine).filter_by(quantity=3)).one()
    page = Page(cashier.get(url).get_data(as_text=True))
    remove = next(f for f in page.forms if f["action"].endswith(f"/lines/{line.id}/withdraw"))
    cashier.post(remove["action"], data=remove["fields"])
    assert bill.total == Money("190.00")
    page = Page(cashier.get(url).get_data(as_text=True))
    undo = next(f for f in page.forms if f["action"].endswith("/restore"))
    cashier.post(undo["action"], data=undo["fields"])
    assert bill.total == Money("295.00")


def _form(client, url: str, ending: str) -> dict:
    page = Page(client.get(url).get_data(as_text=True))
    return next(f for f in page.forms if f["method"] == "post" and (f["action"] or "").endswith(ending))


def _send(client, url: str, ending: str, **typed: str):
    form = _form(client, url, ending)
    return client.post(form["action"], data={**form["fields"], **typed})


def _approve(client):
    """Approve the newest waiting request, with the password."""
    correction_id = database.session.scalars(
        select(Correction.id).filter_by(status="waiting").order_by(Correction.id.desc())
    ).first()
    return client.form(f"/billing/approvals/{correction_id}/approve", proof=PASSWORD)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"item": "nothing like this"}, "not on the price list"),
        ({"item": "dres", "quantity": "0.5"}, "whole number"),
        ({"item": "Bandage", "unit_price": "1.999"}, "two decimals"),
        ({"item": "a\u202eb"}, "cannot be displayed"),
    ],
)
def test_a_refused_line_keeps_what_was_typed(bill, desk, typed, message):
    answer = _send(desk("cashier"), f"/billing/bills/{bill.id}", "/lines", **typed)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert message in html
    assert "There is a problem" in html
    assert f'value="{without_control_characters(typed["item"])}"' in html


def test_discount_issue_and_void_on_the_page(bill, desk):
    cashier, url = desk("cashier"), f"/billing/bills/{bill.id}"
    refused = _send(desk("receptionist"), url, "/discount", discount="50%", reason="poor")
    assert (refused.status_code, "above 10%" in refused.get_data(as_text=True)) == (400, True)
    assert _send(cashier, url, "/discount", discount="50%", reason="poor").status_code == 303
    assert bill.discount == Money("0")
    _send(cashier, url, "/discount", discount="10%", reason="staff")
    _send(cashier, url, "/issue")
    assert (bill.status, bill.total) == ("issued", Money("171.00"))
    assert _send(desk("admin"), f"{url}/void", "/void", reason="wrong patient").status_code == 303
    assert bill.status == "issued"
    assert _approve(cashier).status_code == 303
    assert bill.status == "void"


def test_exact_cash_and_the_receipt(bill, desk):
    cashier, url = desk("cashier"), f"/billing/bills/{bill.id}/pay"
    form = _form(cashier, url, "/pay")
    assert (form["fields"]["amount"], form["fields"]["method"]) == ("190.00", "Cash")
    answer = cashier.post(url, data={**form["fields"], "tendered": "200", "do": "print"})
    assert answer.status_code == 303
    shown = words(cashier.get(answer.location).get_data(as_text=True))
    for text in (
        "Receipt R-",
        "Change SLE 10.00",
        "TOTAL SLE",
        "Cash 200.00",
        "BALANCE 0.00",
        "Nothing left to pay",
    ):
        assert text in shown, text
    assert "COPY" not in shown
    _send(cashier, answer.location, "/print")
    assert "COPY 1" in words(cashier.get(answer.location).get_data(as_text=True))


def test_the_sheet_is_as_wide_as_the_roll_and_as_long_as_the_receipt(bill, desk):
    payment = actions.take_payment(bill.id, Money("190.00"), "Cash", by=SYSTEM)
    html = desk("cashier").get(f"/billing/payments/{payment.id}").get_data(as_text=True)
    height = int(re.search(r"@page \{ size: 80mm (\d+)mm", html)[1])
    assert 80 < height < 160


def test_the_same_submit_twice_is_one_payment_and_one_answer(bill, desk):
    cashier, url = desk("cashier"), f"/billing/bills/{bill.id}/pay"
    fields = {**_form(cashier, url, "/pay")["fields"], "amount": "60.00"}
    first, second = cashier.post(url, data=fields), cashier.post(url, data=fields)
    assert (first.status_code, first.location) == (second.status_code, second.location)
    assert database.session.execute(select(func.count(Payment.id))).scalar_one() == 1


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"amount": "500"}, "Only 190.00 is left to pay"),
        ({"amount": ""}, "Fill in “Amount”."),
        ({"amount": "ten"}, "two decimals"),
        ({"amount": "50", "method": "Card"}, "at least 4 characters"),
        ({"amount": "50", "method": "Gold"}, "Choose Cash"),
        ({"amount": "50", "tendered": "20"}, "less than the amount"),
    ],
)
def test_a_refused_payment_keeps_what_was_typed_and_takes_nothing(bill, desk, typed, message):
    answer = _send(desk("cashier"), f"/billing/bills/{bill.id}/pay", "/pay", **typed)
    assert answer.status_code == 400
    assert message in answer.get_data(as_text=True)
    assert database.session.execute(select(func.count(Payment.id))).scalar_one() == 0


def test_a_form_without_one_of_its_fields_is_refused_or_done_without_it(bill, desk):
    """Each field of a line, a price and a payment may be missing, though a browser always sends it."""
    cashier, admin = desk("cashier"), desk("admin")
    line = {"item": "Dressing, small", "price_item_id": "", "quantity": "1", "unit_price": "5.00"}
    pay = {"payer": "self", "amount": "10.00", "method": "Card", "reference": "A 1", "tendered": ""}
    price = {"code": "NEW1", "name": "New", "billing_label": "", "category": "service", "unit_price": "1.00"}
    for client, url, form in (
        (cashier, f"/billing/bills/{bill.id}/lines", line),
        (cashier, f"/billing/bills/{bill.id}/pay", pay),
        (admin, "/billing/prices/new", price),
    ):
        for name in form:
            sent = {other: value for other, value in form.items() if other != name} | {"csrf_token": _csrf(client)}
            sent |= {"code": f"C{name[:9]}"} if "code" in sent else {}
            answer = client.post(url, data=sent)
            assert answer.status_code in (200, 303, 400), f"{url} without {name}: {answer.status_code}"


def test_a_refund_needs_two_people(bill, desk):
    payment = actions.take_payment(bill.id, Money("190.00"), "Cash", by=SYSTEM)
    url = f"/billing/payments/{payment.id}/refund"
    assert desk("receptionist").get(url).status_code == 403
    cashier = desk("cashier")
    refused = _send(cashier, url, "/refund", amount="200", reason="test", is_credit="owed")
    assert (refused.status_code, "Only 190.00" in refused.get_data(as_text=True)) == (400, True)
    _send(cashier, url, "/refund", amount="40.00", reason="test not done", is_credit="owed")
    answer = _approve(desk("admin"))
    assert (answer.status_code, bill.paid) == (303, Money("150.00"))
    back = database.session.scalars(select(Payment).filter_by(kind="refund")).one()
    assert "REFUNDED SLE 40.00" in words(cashier.get(f"/billing/payments/{back.id}").get_data(as_text=True))


def test_the_till_is_counted_before_expected_amounts_are_shown_and_closed(bill, desk):
    cashier = desk("cashier")
    _send(cashier, "/billing/till", "/open", float_amount="100")
    _send(cashier, f"/billing/bills/{bill.id}/pay", "/pay")
    assert "290.00" not in cashier.get("/billing/till").get_data(as_text=True)
    _send(cashier, "/billing/till", "/count", n2000="14", n50="3")
    shown = words(cashier.get("/billing/till").get_data(as_text=True))
    assert "Cash 290.00 281.50 −8.50 !" in shown
    refused = _send(cashier, "/billing/till", "/close")
    assert refused.status_code == 400
    done = _send(cashier, "/billing/till", "/close", reason="gave wrong change")
    assert "Till closing Z-" in words(cashier.get(done.location).get_data(as_text=True))
    assert database.session.scalars(select(CashShift)).one().closed_at is not None
    assert desk("receptionist").get(done.location).status_code == 404
    assert cashier.post("/billing/till/close", data={"csrf_token": _csrf(cashier)}).status_code == 303


def test_the_closing_report_counts_refunds_and_voids(bill, desk):
    cashier, admin = desk("cashier"), desk("admin")
    _send(cashier, "/billing/till", "/open", float_amount="100")
    url = f"/billing/bills/{bill.id}"
    _send(cashier, f"{url}/pay", "/pay")
    payment = database.session.scalars(select(Payment)).one()
    _send(
        cashier,
        f"/billing/payments/{payment.id}/refund",
        "/refund",
        amount="40.00",
        reason="test not done",
        is_credit="owed",
    )
    _approve(admin)
    wrong = factories.draft(bill.patient_id, "75.00")
    _send(cashier, f"/billing/bills/{wrong.id}", "/issue")
    _send(cashier, f"/billing/bills/{wrong.id}/void", "/void", reason="Wrong patient")
    _approve(admin)
    _send(cashier, "/billing/till", "/count", n2000="12", n50="5", n10="0", loose="7.50")
    seen = words(cashier.get("/billing/till").get_data(as_text=True))
    assert "Float 100.00 Paid in cash 190.00 Refunded in cash −40.00 Expected cash 250.00" in seen
    assert "Cash 250.00 250.00 0.00" in seen
    done = _send(cashier, "/billing/till", "/close")
    assert f"{wrong.number} Wrong patient 75.00" in words(cashier.get(done.location).get_data(as_text=True))
    later = factories.draft(bill.patient_id, "60.00")
    _send(cashier, f"/billing/bills/{later.id}", "/issue")
    _send(cashier, f"/billing/bills/{later.id}/void", "/void", reason="After closing")
    _approve(admin)
    again = words(cashier.get(done.location).get_data(as_text=True))
    assert "Refunds 1 40.00 Void bills 1 75.00" in again
    assert "After closing" not in again


def _csrf(client) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', client.get("/billing/till").get_data(as_text=True))[1]


def test_prices_are_changed_by_the_administrator_and_found_by_the_cashier(bill, desk):
    admin = desk("admin")
    refused = _send(admin, "/billing/prices/new", "/new", code="dres", name="Twice", unit_price="1")
    assert (refused.status_code, "Another item has this code" in refused.get_data(as_text=True)) == (409, True)
    new = {"code": "hivvl", "name": "HIV viral load", "billing_label": "Laboratory test, group B", "unit_price": "90"}
    assert _send(admin, "/billing/prices/new", "/new", **new).status_code == 303
    item = database.session.scalars(select(PriceItem).filter_by(code="HIVVL")).one()
    _send(admin, f"/billing/prices/{item.id}", f"/{item.id}", unit_price="95.50")
    assert item.unit_price == Money("95.50")
    assert desk("cashier").get("/billing/prices/new").status_code == 403
    choices = desk("cashier").get("/billing/prices/choose?q=2*viral").get_json()
    assert [(choice["label"], choice["detail"], choice["note"]) for choice in choices] == [
        ("2*HIV viral load", "HIVVL", "SLE\u00a095.50")
    ]


def test_the_shortest_code_is_offered_first(bill, desk):
    factories.price("DRES-L", "Dressing, extra large", "60.00")
    choices = desk("cashier").get("/billing/prices/choose?q=dre").get_json()
    assert [choice["detail"] for choice in choices] == ["DRES", "DRES-L"]
    assert [choice["detail"] for choice in desk("cashier").get("/billing/prices/choose?q=dressing").get_json()] == [
        "DRES-L",
        "DRES",
    ]


def test_a_bill_shows_its_state(bill, desk):
    assert "Bill Draft Issue bill Take payment" in words(
        desk("cashier").get(f"/billing/bills/{bill.id}").get_data(as_text=True)
    )


def test_a_new_bill_from_the_patients_list(bill, desk):
    cashier = desk("cashier")
    answer = _send(cashier, f"/billing/?patient_id={bill.patient_id}", "/bills")
    assert re.fullmatch(r"/billing/bills/\d+", answer.location)
    assert cashier.post("/billing/bills", data={"csrf_token": _csrf(cashier), "patient_id": "x"}).status_code == 400
    assert database.session.execute(select(func.count(Bill.id))).scalar_one() == 2


@pytest.mark.parametrize("role", ["doctor", "nurse", "pharmacist", "lab", "patient", "norole"])
def test_other_desks_do_not_open_bills(bill, desk, role):
    client = desk(role)
    for address in ("/billing/", f"/billing/bills/{bill.id}", f"/billing/bills/{bill.id}/invoice.pdf", "/billing/till"):
        assert client.get(address).status_code == 403, address


def test_unknown_records_are_not_found(db, desk):
    for address in (
        "/billing/bills/999",
        "/billing/payments/999",
        "/billing/bills/999/invoice.pdf",
        "/billing/till/999",
    ):
        assert desk("cashier").get(address).status_code == 404, address


def test_the_price_list_is_shown_in_pages(desk, person):
    for number in range(27):
        letter = "Xylitol" if number % 2 else "abrasion"
        prices.save_price(
            None, code=f"T{number}", name=f"{letter} {number:02}", unit_price=Money(1), by=person("admin")
        )
    cashier = desk("cashier")
    first = cashier.get("/billing/prices").get_data(as_text=True)
    assert first.count('data-ux="price-row"') == 25
    following = re.search(r'href="(/billing/prices\?after=\d+)"', first)[1]
    second = cashier.get(following).get_data(as_text=True)
    names = re.findall(r'<th scope="row">(?:abrasion|Xylitol) (\d+)', first + second)
    assert len(set(names)) == 27
    assert first.index("abrasion 26") < first.index("Xylitol 01")
