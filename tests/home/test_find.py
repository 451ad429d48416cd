"""The find box: its rows, what each desk does from it, and the page without JavaScript."""

from __future__ import annotations

from datetime import time

import pytest

from hms.appointments.models import Appointment
from hms.billing.payments import actions as billing
from hms.core import clock
from hms.core.actions import action_context
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.formulary.models import Medication
from tests.billing import factories as billing_factories
from tests.formulary.factories import load, medicine
from tests.page import Page, words
from tests.patients.factories import a_patient


@pytest.fixture
def kadiatu(db):
    return a_patient(given_names="Kadiatu", family_name="Zkamara")


def rows(client, typed):
    return client.get("/find/rows", query_string={"q": typed}).get_data(as_text=True)


def test_a_row_has_two_identifiers_and_marks_what_was_typed(desk, kadiatu):
    shown = rows(desk("receptionist"), "zkam 476")
    assert kadiatu.hospital_number in shown
    assert "13-Mar-1991" in shown
    assert "<mark>ZKAM</mark>" in shown
    assert "<mark>476</mark>" in shown


def test_reception_checks_in_and_others_open_the_record(desk, kadiatu):
    assert 'data-post="/queue/add"' in rows(desk("receptionist"), "zkam")
    assert "data-post" not in rows(desk("cashier"), "zkam")
    assert f'data-href="/patients/{kadiatu.id}"' in rows(desk("cashier"), "zkam")


def test_a_patient_booked_today_comes_first_and_can_be_checked_in(desk, person, kadiatu, seeding, db):
    a_patient(given_names="Aaron", family_name="Zkamara")
    booking = Appointment(
        patient_id=kadiatu.id, doctor_id=person("doctor").id, date=clock.today(), time=time(10, 10), notes=""
    )
    db.session.add(booking)
    db.session.flush()
    shown = rows(desk("receptionist"), "zkam")
    assert f"/appointments/{booking.id}/check-in" in shown
    assert "Booked 10:10" in words(shown)
    assert shown.index("Kadiatu") < shown.index("Aaron")


def test_an_empty_result_offers_to_register(desk):
    client = desk("receptionist")
    shown = rows(client, "zzqq 77")
    assert "No patient matches" in words(shown)
    assert "/patients/new?q=zzqq+77" in shown
    assert "Register" not in rows(desk("cashier"), "zzqq 77")


def test_the_page_works_without_javascript(desk, kadiatu):
    page = Page(desk("receptionist").get("/find?q=zkam").get_data(as_text=True))
    acts = [form for form in page.forms if form["action"] == "/queue/add"]
    assert [form["fields"]["patient"] for form in acts] == [str(kadiatu.id)]
    assert f"/patients/{kadiatu.id}" in page.links


def test_the_number_of_a_bill_or_receipt_finds_the_bill(desk, db, kadiatu):
    bill = billing_factories.draft(kadiatu.id, "10.00")
    paid = billing.take_payment(bill.id, Money("10.00"), "Cash", by=SYSTEM)
    cashier, url = desk("cashier"), f"/billing/bills/{bill.id}"
    for typed in (bill.number, paid.number, paid.number.replace("-", "").lower()):
        assert f'data-href="{url}"' in rows(cashier, typed)
        answer = cashier.get("/find", query_string={"q": typed})
        assert (answer.status_code, answer.location) == (302, url)
    assert "No patient matches" in words(rows(cashier, "R-2026-999999"))
    assert url not in rows(desk("doctor"), bill.number)
    assert desk("doctor").get("/find", query_string={"q": bill.number}).status_code == 200


def test_a_medicine_is_found_by_name_or_code_with_its_stock(desk, db):
    load()
    product = medicine("amlodipine-5-mg-tablet")
    url, pharmacist = f"/pharmacy/stock/{product.id}", desk("pharmacist")
    assert f'data-href="{url}"' in rows(pharmacist, "amlod 5")
    assert url in Page(pharmacist.get("/find?q=amlodipine").get_data(as_text=True)).links
    seen = desk("doctor").get("/find?q=amlodipine").get_data(as_text=True)
    assert "amlodipine" in words(seen).lower()
    assert url not in seen
    assert "In stock" not in words(desk("receptionist").get("/find?q=amlodipine").get_data(as_text=True))
    item = billing_factories.price("MED-AML5", "Amlodipine", "2.00")
    with action_context("tests.price", SYSTEM):
        db.session.get(Medication, product.id).price_item_id = item.id
    assert f'data-href="{url}"' in rows(pharmacist, "med-aml5")


@pytest.mark.parametrize("typed", ["", " ", "%", "'", "\x00", "<b>", "a" * 3000, "🩺"])
def test_any_text_may_be_typed(desk, typed):
    client = desk("receptionist")
    assert client.get("/find", query_string={"q": typed}).status_code == 200
    assert client.get("/find/rows", query_string={"q": typed}).status_code == 200


def test_the_number_of_statements_does_not_grow_with_the_result(desk, kadiatu):
    client = desk("receptionist")
    for nth in range(8):
        a_patient(given_names=f"Nr{nth}", family_name="Zmany")
    few, many = (
        min(int(client.get(f"/find/rows?q={typed}").headers["X-Queries"]) for _ in range(3))
        for typed in ("zkam", "zmany")
    )
    assert many <= few
