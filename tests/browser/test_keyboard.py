"""The main path with the keyboard only."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from hms.appointments.models import Appointment
from hms.core import clock
from hms.core.db.session import db as database
from tests.browser.steps import row_of, somebody, ux
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def served(hospital):
    return hospital


def tab_to(tab, target, most=60):
    """Press Tab until the focus is there."""
    for _ in range(most):
        if target.evaluate("element => element === document.activeElement"):
            return
        tab.keyboard.press("Tab")
    pytest.fail(f"Tab never came to {target}")


def test_signing_in(at_desk):
    tab = at_desk()
    tab.goto("/login")
    tab_to(tab, tab.get_by_label("Username"))
    tab.keyboard.type("receptionist")
    tab.keyboard.press("Tab")
    tab.keyboard.type(PASSWORD)
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text("Today")
    tab.keyboard.press("Tab")
    expect(tab.locator(".skip")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.locator("main")).to_be_focused()


def test_the_front_desk(at_desk, served):
    known = somebody(served)
    tab = at_desk("receptionist")
    tab.goto("/")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    tab.keyboard.press("/")
    expect(ux(tab, "find")).to_be_focused()
    tab.keyboard.type(known.hospital_number)
    expect(row_of(tab, "find-row", known.hospital_number)).to_be_visible()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Shift+Enter")
    expect(ux(tab, "banner-id")).to_contain_text(known.hospital_number)
    tab.wait_for_load_state()
    tab.keyboard.press("?")
    expect(ux(tab, "shortcuts")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(ux(tab, "shortcuts")).to_be_hidden()


def test_booking_shows_who_is_chosen_and_cancelling_starts_at_the_reasons(at_desk, served):
    known = somebody(served)
    with served.app.app_context():
        booked = select(Appointment).where(Appointment.status == "scheduled", Appointment.date >= clock.today())
        booking = database.session.scalars(booked.order_by(Appointment.date.desc(), Appointment.time.desc())).first()
        database.session.remove()
    tab = at_desk("receptionist")
    tab.goto("/appointments/new")
    tab.keyboard.type(known.hospital_number)
    expect(tab.get_by_role("option").filter(has_text=known.hospital_number)).to_be_visible()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(tab.locator("[data-chosen-detail]")).to_contain_text(known.hospital_number)
    expect(ux(tab, "coming")).to_contain_text(known.hospital_number)
    tab.goto(f"/appointments/week?date={booking.date.isoformat()}&doctor={booking.doctor_id}")
    tab.locator(f'[data-id="{booking.id}"]').focus()
    tab.keyboard.press("x")
    expect(tab.locator("#cancel")).to_be_focused()
    tab.keyboard.press("Tab")
    expect(ux(tab, "cancel-reason").first).to_be_focused()


def test_registering(at_desk):
    tab = at_desk("receptionist")
    tab.goto("/patients/")
    tab.keyboard.press("n")
    expect(ux(tab, "reg-given")).to_be_focused()
    tab.keyboard.type("Isatu")
    tab.keyboard.press("Tab")
    tab.keyboard.type("Keyboardson")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    tab_to(tab, ux(tab, "reg-dob"))
    tab.keyboard.type("2 3 1990")
    tab.keyboard.press("Control+Enter")
    expect(tab.locator("h1")).to_have_text("Queue")
    expect(row_of(tab, "queue-row", "Keyboardson")).to_be_visible()


def test_registering_above_a_page_from_before_an_update(at_desk):
    """The page that brings the form names newer scripts; those that run already are not started again."""
    tab = at_desk("receptionist")

    def updated(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("hms.js?v=", "hms.js?v=0"))

    tab.route("**/patients/new", updated)
    tab.goto("/")
    tab.keyboard.press("n")
    expect(ux(tab, "reg-given")).to_be_focused()
    tab.keyboard.type("Isatu")
    expect(ux(tab, "draft-status")).to_have_attribute("data-state", "saved")
    assert "HMS" not in " ".join(tab.complaints)


def test_the_nurse(at_desk):
    tab = at_desk("nurse")
    tab.goto("/queue/")
    link = ux(tab, "vitals").first
    token = link.inner_text()
    tab_to(tab, link, most=150)
    tab.keyboard.press("Enter")
    expect(ux(tab, "vit-temperature")).to_be_focused()
    for value, key in (("37.1", "Tab"), ("116/74", "Enter"), ("72", "Enter")):
        tab.keyboard.type(value)
        tab.keyboard.press(key)
    expect(ux(tab, "vit-rr")).to_be_focused()
    tab_to(tab, ux(tab, "vit-save-only"))
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text("Queue")
    expect(ux(tab, "vitals").filter(has_text=token)).to_have_count(0)


def test_the_doctor(at_desk):
    tab = at_desk("doctor")
    tab.goto("/queue/")
    tab.keyboard.press("Enter")
    tab_to(tab, ux(tab, "enc-notes"))
    tab.keyboard.type("Sore throat. No fever.")
    tab_to(tab, ux(tab, "dx-input"))
    tab.keyboard.type("J06.9")
    expect(tab.get_by_role("listbox").get_by_role("option").first).to_contain_text("J06.9")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(ux(tab, "dx-line")).to_contain_text("J06.9")
    expect(ux(tab, "dx-input")).to_be_focused()
    prescribes(tab)
    tab.keyboard.press("Control+Enter")
    expect(ux(tab, "enc-signed")).to_contain_text("Sore throat. No fever.")


def prescribes(tab):
    """A medicine whose usual dose is for every age: who waits first changes from day to day."""
    tab_to(tab, ux(tab, "rx-input"))
    tab.keyboard.type("oral rehydration")
    expect(tab.get_by_role("listbox").get_by_role("option").first).to_be_visible()
    tab.keyboard.press("Escape")
    expect(ux(tab, "rx-input")).to_have_attribute("aria-expanded", "false")
    expect(ux(tab, "rx-input")).to_have_value("oral rehydration")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(ux(tab, "rx-line")).to_contain_text("oral rehydration")


def test_the_pharmacist(at_desk):
    tab = at_desk("pharmacist")
    tab.goto("/pharmacy/")
    expect(ux(tab, "disp-all")).to_be_visible()
    tab.keyboard.press("Control+Enter")
    expect(ux(tab, "disp-done")).to_contain_text("dispensed for")


def test_the_cashier(at_desk):
    tab = at_desk("cashier")
    tab.goto("/billing/")
    tab.keyboard.press("Enter")
    expect(ux(tab, "pay-amount")).to_be_focused()
    due = re.search(r"[\d,]+\.\d\d", ux(tab, "pay-due").inner_text()).group()
    tab.keyboard.press("Enter")
    expect(ux(tab, "receipt-done")).to_contain_text("Nothing left to pay")
    expect(ux(tab, "receipt")).to_contain_text(due)
    tab.wait_for_load_state()  # its script hears keys from then on
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text("Bills")


def test_escape_closes_what_is_open_and_gives_the_focus_back(at_desk):
    tab = at_desk("receptionist")
    tab.goto("/")
    menu = ux(tab, "user-menu")
    tab_to(tab, menu.locator("summary"))
    tab.keyboard.press("Enter")
    expect(menu.get_by_role("button", name="Sign out")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(menu.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()
    tab.keyboard.press("Control+k")
    tab.keyboard.type("ka")
    expect(ux(tab, "find")).to_have_attribute("aria-expanded", "true")
    tab.keyboard.press("Escape")
    expect(ux(tab, "find")).to_have_attribute("aria-expanded", "false")
    expect(ux(tab, "find")).to_be_focused()
