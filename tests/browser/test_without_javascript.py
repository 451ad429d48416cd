"""The main path with JavaScript switched off: every step is a plain form and a plain link."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from hms.core.db.session import db as database
from hms.patients.models import Patient
from tests.browser.steps import row_of, somebody, ux

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def served(hospital):
    return hospital


@pytest.fixture
def plain(at_desk):
    """`plain("nurse")`: a tab of that person whose browser runs no script."""
    return lambda username: at_desk(username, java_script_enabled=False)


def finds(tab, known):
    tab.goto("/")
    ux(tab, "find").fill(known.family_name[:4].lower())
    ux(tab, "find").press("Enter")
    expect(row_of(tab, "find-row", known.family_name)).to_be_visible()


def registers(tab, known):
    """Registers a namesake born on the same day: the page shows the other record, then saves a different person."""
    tab.goto("/patients/new")
    ux(tab, "reg-given").fill(known.given_names)
    ux(tab, "reg-family").fill(known.family_name)
    ux(tab, "reg-dob").fill(known.birth_date.strftime("%d/%m/%Y"))
    tab.get_by_label("Female").check()
    tab.get_by_label("Has allergies").check()
    tab.get_by_label("What does the patient react to?").fill("penicillin")
    ux(tab, "reg-save-only").click()
    expect(ux(tab, "reg-same")).to_contain_text("Is this the same person?")
    expect(ux(tab, "reg-match").first).to_contain_text(known.hospital_number)
    expect(ux(tab, "reg-family")).to_have_value(known.family_name)
    ux(tab, "reg-save-only").click()
    number = ux(tab, "banner-id").locator("bdi").inner_text()
    assert number != known.hospital_number
    return number


def books(tab, number):
    tab.goto("/appointments/new")
    ux(tab, "patient").fill(number)
    tab.get_by_role("button", name="Look up").click()
    tab.get_by_role("group", name="Choose one").locator("label").first.click()
    doctor = ux(tab, "doctor")
    doctor.select_option(doctor.locator("option").filter(has_text="Amadu").get_attribute("value"))
    tab.get_by_role("button", name="Show times").click()
    tab.locator('[data-ux="slots"] label').first.click()
    ux(tab, "book").click()
    expect(tab.locator("main, [role=region]").filter(has_text="Booked: ").first).to_be_visible()


def checks_in(tab, number, family):
    tab.goto(f"/find?q={number}")
    row_of(tab, "find-row", family).locator('[data-ux="find-action"]').click()
    tab.goto("/queue/")
    expect(row_of(tab, "queue-row", number)).to_be_visible()


def measures(tab, number):
    tab.goto("/queue/")
    row_of(tab, "queue-row", number).locator('[data-ux="vitals"]').click()
    ux(tab, "vit-temperature").fill("36,8")
    ux(tab, "vit-bp").fill("12080")
    ux(tab, "vit-save-only").click()
    expect(ux(tab, "error-summary")).to_contain_text("Enter the blood pressure like 120/80.")
    expect(ux(tab, "vit-temperature")).to_have_value("36,8")
    ux(tab, "vit-bp").fill("120/80")
    ux(tab, "vit-save-only").click()
    expect(row_of(tab, "queue-row", number)).to_contain_text("Normal: T, BP")


def cares(tab, number, born):
    tab.goto("/queue/")
    row_of(tab, "queue-row", number).locator('[data-ux="call"]').click()
    ux(tab, "enc-notes").fill("Headache since yesterday.")
    ux(tab, "dx-input").fill("J06.9")
    tab.get_by_role("button", name="Look up").first.click()
    expect(ux(tab, "enc-notes")).to_have_value("Headache since yesterday.")
    tab.get_by_role("radio", name=re.compile("J06.9")).first.check()
    ux(tab, "dx-add").click()
    expect(ux(tab, "dx-line")).to_contain_text("J06.9")
    prescribes(tab)
    if ux(tab, "birth-year").count():
        ux(tab, "birth-year").fill(str(born.year))
    ux(tab, "sign").click()
    expect(ux(tab, "enc-signed")).to_contain_text("Headache since yesterday.")


def prescribes(tab):
    """Prescribe paracetamol; then amoxicillin, which the allergy stops until a reason is entered."""
    looks_up(tab, "paracetamol 500", re.compile(r"DOSE\s1\sg.*four times"))
    expect(ux(tab, "rx-line")).to_contain_text("paracetamol")
    looks_up(tab, "amoxicillin 500", re.compile(r"amoxicillin AMOXIL.*DOSE\s500\smg"))
    expect(ux(tab, "alert-stop")).to_contain_text(re.compile("penicillin", re.IGNORECASE))
    expect(ux(tab, "rx-line")).to_have_count(1)
    ux(tab, "override-code").select_option(index=1)
    ux(tab, "override-reason").fill("Took it twice since without any reaction")
    ux(tab, "override").click()
    expect(ux(tab, "rx-line")).to_have_count(2)


def looks_up(tab, typed, words):
    ux(tab, "rx-input").fill(typed)
    tab.get_by_role("button", name="Look up").last.click()
    tab.get_by_role("radio", name=words).first.check()
    ux(tab, "rx-add").click()


def dispenses(tab, number):
    tab.goto("/pharmacy/")
    row = row_of(tab, "rx-row", number)
    if "rx--open" not in (row.get_attribute("class") or ""):
        row.get_by_role("link").first.click()
    ux(tab, "disp-all").click()
    expect(ux(tab, "disp-done")).to_contain_text("2 medicines dispensed")


def takes_money(tab, number):
    tab.goto(f"/billing/?q={number}")
    row_of(tab, "bill-row", number).get_by_role("link").first.click()
    expect(ux(tab, "bill-line")).to_have_count(3)
    ux(tab, "bill-issue").click()
    expect(tab.locator("h1")).to_contain_text(re.compile(r"B-\d{4}-\d{6}"))
    bill = tab.locator("h1").inner_text().removeprefix("Bill ")
    ux(tab, "bill-pay").click()
    ux(tab, "pay-take-only").click()
    expect(ux(tab, "receipt")).to_contain_text(bill)
    expect(ux(tab, "receipt-done")).to_contain_text("Nothing left to pay")
    tab.get_by_role("link", name=f"Bill {bill}").click()


def prints(tab):
    """The invoice: the page reloads itself until the document is ready."""
    if ux(tab, "invoice-make").count():
        ux(tab, "invoice-make").click()
    link = ux(tab, "job").get_by_role("link")
    with tab.expect_response(lambda answer: answer.headers.get("content-type") == "application/pdf"):
        link.click()


def test_a_visit_without_javascript(plain, served):
    known = somebody(served)
    desk = plain("receptionist")
    finds(desk, known)
    number = registers(desk, known)
    books(desk, number)
    checks_in(desk, number, known.family_name)
    measures(plain("nurse"), number)
    cares(plain("doctor"), number, known.birth_date)
    dispenses(plain("pharmacist"), number)
    cashier = plain("cashier")
    takes_money(cashier, number)
    prints(cashier)
    with served.app.app_context():
        statuses = database.session.execute(select(Patient.status).filter_by(hospital_number=number)).scalars().all()
        database.session.remove()
    assert statuses == ["active"]
