"""How many presses and page loads the commonest tasks need. A press is a click, a key that acts, or one filled field."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from hms.core.db.session import db as database
from hms.patients.models import Patient
from tests.browser.steps import active_person, row_of, ux
from tests.clinical.factories import a_patient, born, waiting

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def served(hospital):
    return hospital


class Counted:
    """Presses on a page, and the page loads that followed them."""

    def __init__(self, tab):
        self.tab, self.presses, self.loads = tab, 0, []
        tab.on("load", lambda _page: self.loads.append(tab.url))

    def key(self, key):
        self.presses += 1
        self.tab.keyboard.press(key)

    def fill(self, name, text):
        self.presses += 1
        ux(self.tab, name).fill(text)

    def click(self, place):
        self.presses += 1
        place.click()


def test_registering_from_home_takes_seven_presses_and_one_load(at_desk, served):
    tab = at_desk("receptionist")
    tab.goto("/")
    counted = Counted(tab)
    counted.key("n")
    expect(ux(tab, "reg-given")).to_be_focused()
    counted.fill("reg-given", "Sarian")
    counted.fill("reg-family", "Oneload")
    counted.click(tab.get_by_label("Female"))
    counted.fill("reg-dob", "14 5 1987")
    expect(tab.locator("#date_of_birth-echo")).to_contain_text("1987")
    counted.fill("reg-phone", "076 555 999")
    counted.key("Control+Enter")
    expect(row_of(tab, "toast", "Token")).to_contain_text("ONELOAD, Sarian")
    tab.wait_for_load_state()
    assert (counted.presses, len(counted.loads)) == (7, 1)
    with served.app.app_context():
        found = database.session.scalars(select(Patient).filter_by(family_name="Oneload")).one()
        assert (found.given_names, found.sex, found.phone[-6:]) == ("Sarian", "female", "555999")
        database.session.remove()


def test_registering_who_was_not_found_takes_the_typed_name_along(at_desk):
    tab = at_desk("receptionist")
    tab.goto("/")
    counted = Counted(tab)
    ux(tab, "find").press_sequentially("Sento Nowhereman")
    counted.click(ux(tab, "find-action").filter(has_text="Nowhereman"))
    expect(ux(tab, "reg-family")).to_have_value("Nowhereman")
    expect(ux(tab, "form-dialog")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(ux(tab, "form-dialog")).to_be_hidden()
    assert counted.loads == []
    counted.click(ux(tab, "home-register"))
    expect(tab).to_have_url(re.compile("/patients/new$"))


def test_calling_opens_the_encounter_with_one_load_and_a_visit_needs_one_more(at_desk, served):
    with served.app.app_context():
        patient = a_patient(given_names="Hawa", family_name="Visitload", birth_date=born(41))
        waiting(patient, doctor_id=active_person("doctor").id)
        database.session.remove()
    tab = at_desk("doctor")
    tab.goto("/queue/")
    counted = Counted(tab)
    row_of(tab, "queue-row", "Visitload").locator('[data-ux="call"]').click()
    expect(ux(tab, "enc-notes")).to_be_visible()
    tab.wait_for_load_state()
    assert len(counted.loads) == 1
    ux(tab, "enc-notes").fill("Sore throat. No fever.")
    ux(tab, "dx-input").press_sequentially("J06.9")
    tab.get_by_role("option").filter(has_text="J06.9").first.click()
    expect(ux(tab, "dx-line")).to_contain_text("J06.9")
    ux(tab, "rx-input").press_sequentially("oral rehydration")
    tab.get_by_role("listbox").get_by_role("option").first.click()
    expect(ux(tab, "rx-line")).to_have_count(1)
    ux(tab, "sign").click()
    expect(ux(tab, "enc-signed")).to_contain_text("Sore throat. No fever.")
    tab.wait_for_load_state()
    assert len(counted.loads) == 2, "the visit itself is one load: its signature"
