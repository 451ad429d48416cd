"""The encounter page keeps typed text: during a request, without a connection, after the session ended, in two tabs."""

from __future__ import annotations

import re
import threading

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from hms.clinical import signing
from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.models import Encounter
from hms.clinical.note_templates import actions as template_actions
from hms.clinical.prescriptions import actions as prescription_actions
from hms.core.db.session import db as database
from hms.staff import request_user
from hms.staff.models import User, UserSession
from tests.browser.steps import ux
from tests.clinical.factories import CODES, a_patient, allergic, an_encounter, some_codes
from tests.formulary.factories import load

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def doctor(served):
    """The accounts of the tests."""
    with served.app.app_context():
        user = database.session.scalars(select(User).filter_by(username="doctor")).unique().one()
        known = request_user.load_active_person(user.id)
        database.session.remove()
    return known


@pytest.fixture(scope="module")
def lists(served, doctor):
    """The medicines, a few diagnoses and a template for notes."""
    with served.app.app_context():
        load()
        some_codes()
        template_actions.save_template(title="Cough", shortcut="cgh", content="Cough for    days.\nChest: .", by=doctor)
        database.session.remove()
    return CODES


@pytest.fixture
def opened(served, lists, doctor):
    """The address of a fresh encounter of the doctor, whose patient is allergic to penicillin."""
    with served.app.app_context():
        patient = a_patient()
        allergic(patient)
        encounter = an_encounter(doctor, patient)
        database.session.remove()
    return f"/encounters/{encounter.id}"


@pytest.fixture
def tab(at_desk, opened):
    page = at_desk("doctor")
    page.goto(opened)
    return page


class Slow:
    """Delays the responses to the page's requests until they are released."""

    def __init__(self, tab, address):
        self.gate = threading.Event()
        self.held = []
        tab.route(lambda url: url.split("#")[0].endswith(address), self._hold)

    def _hold(self, route):
        if route.request.method == "POST" and not self.gate.is_set():
            self.held.append(route)
        else:
            route.continue_()

    def let_go(self):
        self.gate.set()
        for route in self.held:
            route.continue_()


def test_what_is_typed_while_the_answer_is_under_way_stays(tab, opened):
    slow = Slow(tab, opened)
    ux(tab, "enc-notes").fill("Fever")
    ux(tab, "dx-input").press_sequentially("mal")
    tab.get_by_role("option").filter(has_text="B54").click()
    expect(ux(tab, "dx-add")).to_have_attribute("aria-busy", "true")
    tab.keyboard.type("cough")
    ux(tab, "dx-none").fill("none yet")
    tab.locator('input[name="dx_certainty"][value="confirmed"]').check()
    ux(tab, "enc-notes").press("End")
    ux(tab, "enc-notes").press_sequentially(" since Friday")
    slow.let_go()
    expect(ux(tab, "dx-line")).to_have_count(1)
    expect(ux(tab, "enc-notes")).to_have_value("Fever since Friday")
    expect(ux(tab, "enc-notes")).to_be_focused()
    expect(ux(tab, "dx-input")).to_have_value("cough")
    expect(tab.locator('input[name="dx_certainty"][value="confirmed"]')).to_be_checked()
    expect(ux(tab, "draft-status")).to_have_attribute("data-state", "saved")
    tab.reload()
    expect(ux(tab, "enc-notes")).to_have_value("Fever since Friday")
    expect(ux(tab, "dx-input")).to_have_value("cough")


def test_a_second_press_waits_for_the_first(tab, opened):
    slow = Slow(tab, opened)
    ux(tab, "dx-input").fill("Fever")
    ux(tab, "dx-input").press("Enter")
    expect(ux(tab, "dx-add")).to_have_attribute("aria-busy", "true")
    tab.keyboard.type("Cough")
    tab.keyboard.press("Enter")
    slow.let_go()
    expect(ux(tab, "dx-line")).to_have_count(2)
    expect(ux(tab, "dx-line").last).to_contain_text("Cough")
    expect(ux(tab, "dx-input")).to_have_value("")


def test_without_a_line_the_page_stays_and_sends_once(tab):
    ux(tab, "enc-notes").fill("Fever since Friday")
    expect(ux(tab, "draft-status")).to_have_attribute("data-state", "saved")
    tab.context.set_offline(True)
    ux(tab, "dx-input").fill("Fever")
    ux(tab, "dx-add").click()
    expect(ux(tab, "draft-status")).to_contain_text("Nothing you typed is lost")
    ux(tab, "sign").click()
    expect(ux(tab, "dx-input")).to_have_value("Fever")
    expect(ux(tab, "enc-notes")).to_have_value("Fever since Friday")
    tab.context.set_offline(False)
    ux(tab, "dx-add").click()
    expect(ux(tab, "dx-line")).to_have_count(1)
    expect(ux(tab, "draft-status")).to_have_attribute("data-state", "saved")
    tab.complaints[:] = [text for text in tab.complaints if "ERR_INTERNET_DISCONNECTED" not in text]


def end_all_sessions(served):
    with served.app.app_context():
        database.session.execute(update(UserSession).values(expires_at=UserSession.created_at))
        database.session.commit()
        database.session.remove()


def test_after_a_sign_in_elsewhere_the_page_goes_on(tab, served):
    ux(tab, "enc-notes").fill("Fever")
    end_all_sessions(served)
    expect(tab.get_by_role("link", name="Sign in again")).to_be_visible()
    expect(ux(tab, "enc-notes")).to_have_count(0)
    tab.context.add_cookies([served.cookie_of("doctor")])
    expect(ux(tab, "enc-notes")).to_have_value(re.compile("Fever"))
    ux(tab, "enc-notes").fill("Fever since Friday")
    ux(tab, "save-draft").click()
    expect(ux(tab, "draft-status")).to_contain_text("Saved")
    tab.reload()
    expect(ux(tab, "enc-notes")).to_have_value("Fever since Friday")
    expect(ux(tab, "draft-restored")).to_have_count(0)


def test_the_vital_signs_come_back_too(at_desk, served, opened):
    tab = at_desk("nurse")
    tab.goto(f"{opened}/vitals")
    ux(tab, "vit-temperature").fill("38.6")
    end_all_sessions(served)
    expect(tab.get_by_role("link", name="Sign in again")).to_be_visible()
    tab.context.add_cookies([served.cookie_of("nurse")])
    expect(ux(tab, "vit-temperature")).to_have_value("38.6")
    ux(tab, "vit-save").click()
    expect(tab.locator("main")).to_contain_text("38.6")


def test_two_tabs_show_both_texts(tab, opened):
    other = tab.context.new_page()
    other.goto(opened)
    ux(tab, "enc-notes").fill("Fever since Friday")
    expect(ux(tab, "draft-status")).to_have_attribute("data-state", "saved")
    ux(other, "enc-notes").fill("Cough since Monday")
    ux(other, "save-draft").click()
    expect(ux(other, "enc-beside")).to_contain_text("Fever since Friday")
    ux(tab, "dx-input").fill("Fever")
    ux(tab, "dx-add").click()
    expect(ux(tab, "enc-stale")).to_contain_text("Cough since Monday")
    expect(ux(tab, "enc-notes")).to_have_value("Fever since Friday")
    expect(ux(tab, "dx-input")).to_have_value("Fever")
    tab.get_by_label(re.compile("Save what I typed")).check()
    ux(tab, "dx-add").click()
    expect(ux(tab, "dx-line")).to_have_count(1)
    expect(ux(tab, "enc-stale")).to_have_count(0)


def test_a_stop_keeps_the_medicine_and_the_rest(tab):
    ux(tab, "rx-input").press_sequentially("amoxicillin 500")
    tab.get_by_role("option").filter(has_text=re.compile(r"DOSE\s500\smg")).first.click()
    expect(ux(tab, "alert-stop")).to_be_visible()
    ux(tab, "override-reason").fill("Took it twice")
    ux(tab, "dx-input").fill("Fever")
    ux(tab, "dx-input").press("Enter")
    expect(ux(tab, "dx-line")).to_have_count(1)
    expect(ux(tab, "override-reason")).to_have_value("Took it twice")
    ux(tab, "override-code").select_option(index=1)
    ux(tab, "override").click()
    expect(ux(tab, "rx-line")).to_have_count(1)
    expect(ux(tab, "rx-line")).to_contain_text("Took it twice")


def test_a_shortcut_opens_in_the_note(tab):
    ux(tab, "enc-notes").fill("Seen today.")
    ux(tab, "enc-notes").press("End")
    ux(tab, "enc-notes").press_sequentially(" ;cgh")
    tab.keyboard.press("Enter")
    expect(ux(tab, "enc-notes")).to_have_value("Seen today. Cough for    days.\nChest: .")
    tab.keyboard.type(" Clear.")
    ux(tab, "enc-template").select_option(label=";cgh Cough")
    ux(tab, "enc-insert").click()
    expect(ux(tab, "enc-notes")).to_have_value(re.compile(r"Clear\.\nCough for    days\."))
    expect(ux(tab, "enc-notes")).to_be_focused()


def test_what_is_ticked_is_copied_in_its_sections(tab, opened, served, doctor):
    with served.app.app_context():
        patient = database.session.get(Encounter, int(opened.rsplit("/", 1)[1])).patient_id
        earlier = encounter_actions.start_encounter_with_texts(
            patient_id=patient, notes="Headache.", diagnosis="d", by=doctor
        )
        prescription_actions.prescribe(
            earlier.id, medication_name="Honey", dosage="1 spoon", override_code="checked_by_hand", by=doctor
        )
        signing.sign(earlier.id, by=doctor)
        database.session.remove()
    tab.reload()
    ux(tab, "enc-notes").fill("Better.")
    ux(tab, "enc-copy").locator("summary").click()
    for tick in ux(tab, "enc-copy").get_by_role("checkbox").all():
        tick.check()
    ux(tab, "copy").click()
    expect(ux(tab, "rx-line")).to_contain_text("Honey")
    expect(ux(tab, "dx-line")).to_have_count(1)
    expect(ux(tab, "enc-notes")).to_have_value(re.compile(r"^Better\.\n\n\[Copied from .*\n> Headache\.", re.DOTALL))
    expect(ux(tab, "draft-status")).to_contain_text("Saved")
