"""Clinical pages while people work on them: words beside typed vitals, sections by key, the question before signing, phones."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.vitals import actions as vitals_actions
from hms.core.db.session import db as database
from hms.lab import actions as lab_actions
from hms.patients.models import Patient
from tests.browser.steps import active_person, ux
from tests.clinical.factories import a_patient, an_encounter, born, waiting

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CRITICAL = {"temperature": "41.2", "blood_pressure": "212/125", "pulse": "174", "glucose": "25.5"}


@pytest.fixture
def patient_id(served):
    """A patient of ten years."""
    with served.app.app_context():
        patient = a_patient(given_names="Isatu", family_name="Sections", birth_date=born(10))
        database.session.remove()
    return patient.id


@pytest.fixture
def encounter_id(served, patient_id):
    with served.app.app_context():
        patient = a_patient(given_names="Isatu", family_name="Sections", birth_date=born(12))
        encounter = an_encounter(active_person("doctor"), patient)
        encounter_actions.save_encounter(
            encounter.id, notes="Fever", no_diagnosis_reason="film", by=active_person("doctor")
        )
        database.session.remove()
    return encounter.id


def test_each_typed_vital_sign_gets_its_word_at_once(at_desk, patient_id):
    tab = at_desk("nurse")
    tab.goto(f"/patients/{patient_id}/vitals")
    said = tab.locator("#pulse-echo")
    ux(tab, "vit-temperature").press_sequentially("3")
    ux(tab, "vit-pulse").fill("44")
    expect(said).to_have_text("Critical low (70–120)")
    expect(said).to_have_attribute("data-level", "critical")
    expect(tab.locator("#temperature-echo")).to_contain_text("must be between")
    ux(tab, "vit-temperature").fill("36.8")
    expect(tab.locator("#temperature-echo")).to_have_text("Normal (36.1–38.0)")
    ux(tab, "vit-weight").fill("31")
    ux(tab, "vit-pulse").fill("")
    expect(said).to_be_empty()
    expect(tab.locator("#weight-echo")).to_be_empty()
    expect(ux(tab, "vit-news2")).to_have_text("NEWS2 is for people of 16 years and over.")


def test_each_typed_result_gets_its_word_at_once_and_no_value_is_in_an_address(at_desk, served, encounter_id):
    with served.app.app_context():
        order_id = lab_actions.order_test(encounter_id, code="FBC", by=active_person("doctor")).id
        database.session.remove()
    tab, addresses = at_desk("lab"), []
    tab.on("request", lambda request: addresses.append(request.url))
    tab.goto(f"/lab/orders/{order_id}")
    said = tab.locator("#value_HB-echo")
    with tab.expect_response("**/meaning"):
        ux(tab, "lab-HB").fill("3.1")
    expect(said).to_have_attribute("data-level", "critical")
    expect(said).to_contain_text("Critical low (")
    ux(tab, "lab-HB").fill("12.5")
    expect(said).to_contain_text("Normal (")
    ux(tab, "lab-HB").fill("")
    expect(said).to_be_empty()
    assert not [address for address in addresses if "3.1" in address or "12.5" in address]


def test_sections_are_reached_by_key_and_the_year_of_birth_takes_the_focus(at_desk, served, patient_id, encounter_id):
    tab = at_desk("doctor")
    tab.goto(f"/encounters/{encounter_id}")
    expect(ux(tab, "enc-notes")).to_be_focused()
    for name in ("dx", "rx", "test"):
        tab.keyboard.press("Alt+PageDown")
        expect(tab.locator(f'[name="{name}"]')).to_be_focused()
    tab.keyboard.press("Alt+PageUp")
    expect(tab.locator('[name="rx"]')).to_be_focused()
    tab.locator('[data-sections] a[href="#follow-up"]').click()
    expect(ux(tab, "enc-plan")).to_be_focused()
    expect(ux(tab, "birth-year")).to_have_count(0)
    with served.app.app_context():
        waiting(database.session.get_one(Patient, patient_id))
        database.session.remove()
    ux(tab, "sign").click()
    expect(ux(tab, "birth-year")).to_be_focused()
    expect(ux(tab, "birth-year")).to_be_in_viewport()
    expect(tab.locator("#birth_year-error")).to_contain_text("Enter the year of birth")


def test_a_chart_with_critical_vitals_fits_a_phone_with_larger_text(at_desk, served, patient_id):
    with served.app.app_context():
        for _time in range(2):
            vitals_actions.record_vitals(patient_id, **CRITICAL, is_confirmed=True, by=active_person("nurse"))
        database.session.remove()
    tab = at_desk("nurse")
    tab.set_viewport_size({"width": 320, "height": 640})
    for path in (f"/patients/{patient_id}", f"/patients/{patient_id}/results", f"/patients/{patient_id}/vitals"):
        tab.goto(path)
        tab.evaluate("document.documentElement.dataset.text = 'larger'")
        assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
