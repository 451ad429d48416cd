"""Results that no patient has are refused with the number that was meant; ends of the measuring range are kept."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hms.core.actions import action_context
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.lab import actions as lab_actions
from hms.lab import rules
from hms.lab.catalogue import tests as catalogue
from hms.messages.models import Notification
from tests.clinical.factories import a_patient, an_encounter

REFUSED = [
    ("HB", "135", "Did you mean 13.5?"),
    ("HB", "0", "not possible"),
    ("K", "45", "Did you mean 4.5?"),
    ("NA", "14", "Did you mean 140?"),
    ("PLT", "250000", "Did you mean 250?"),
    ("GLUR", "0", "not possible"),
    ("CREA", "1.2", "not possible"),
    ("HB", "12 stones", "is not known for this test"),
    ("HB", "<", "Enter a number"),
    ("HB", "< 3 < 4", "is not known for this test"),
]
KEPT = [
    ("HB", "<3", "<3 g/dL", None, "Critical low"),
    ("HB", "< 12 g/dL", "<12 g/dL", None, "Low"),
    ("CRP", ">1000", ">1000 mg/L", None, "High"),
    ("CRP", "<5", "<5 mg/L", None, ""),
    ("K", ">=6.5", "≥6.5 mmol/L", None, "Critical high"),
    ("HB", "13.5", "13.5 g/dL", "13.5", ""),
    ("HB", "135 g/L", "13.5 g/dL", "13.5", ""),
    ("GLUR", "90 mg/dl", "5 mmol/L", "5", ""),
    ("K", "4.5 mEq/L", "4.5 mmol/L", "4.5", ""),
    ("PLT", "250 x10^9/L", "250 ×10⁹/L", "250", ""),
]


@pytest.fixture
def order(db, person):
    def make(code):
        return lab_actions.order_test(an_encounter(person("doctor"), a_patient()).id, code=code, by=person("doctor"))

    return make


@pytest.mark.parametrize(("code", "typed", "words"), REFUSED)
def test_an_impossible_result_is_refused_by_the_api(program, order, code, typed, words):
    refused = program("lab").post(f"/api/lab_orders/{order(code).id}/results/", json={"values": {code: typed}})
    assert refused.status_code == 400
    assert words in refused.json[code][0]


@pytest.mark.parametrize(("code", "typed", "printed", "number", "flag"), KEPT)
def test_a_result_is_kept_with_its_sign_and_its_unit(program, order, code, typed, printed, number, flag):
    made = program("lab").post(f"/api/lab_orders/{order(code).id}/results/", json={"values": {code: typed}})
    assert made.status_code == 200
    result = made.json["results"][0]
    assert result["value_text"].replace("\u00a0", " ") == printed
    assert result["value_numeric"] == number
    saved = rules.read_value(catalogue()[code], typed, "female", 35)
    assert saved.flag == flag
    # What is printed is read again as the same value, when the order is opened to correct another one.
    assert rules.read_value(catalogue()[code], saved.value, "female", 35).value == saved.value


def test_the_page_refuses_and_keeps_as_the_api_does(desk, order):
    address = f"/lab/orders/{order('HB').id}"
    refused = desk("lab").form(address, value_HB="135")
    assert refused.status_code == 400
    assert "Did you mean 13.5?" in refused.get_data(as_text=True)
    assert desk("lab").form(address, value_HB="<3").status_code == 303
    assert "&lt;3" in desk("lab").get(address).get_data(as_text=True)


def test_a_bound_with_decimals_is_read_again_where_the_comma_is_the_sign(desk, order, person):
    settings.change_setting("hospital.decimal_sign", "comma", by=person("admin"))
    address = f"/lab/orders/{order('HB').id}"
    assert desk("lab").form(address, value_HB=">1,234").status_code == 303
    page = desk("lab").get(address).get_data(as_text=True)
    assert 'value="&gt;1,234' in page


def test_every_number_has_limits_around_its_ranges():
    for test in catalogue().values():
        if test.result != "number":
            continue
        assert test.possible_high is not None
        for band in test.ranges:
            for value in (band.low, band.high, band.critical_low, band.critical_high):
                assert value is None or test.is_possible(value) or value == 0


def test_a_corrected_critical_result_is_told_to_everybody_who_got_the_first(db, person, order):
    ordered = order("K")
    lab_actions.enter_results(ordered.id, {"K": "6.9"}, by=person("lab"))
    first = db.session.scalars(select(Notification).where(Notification.title == "Critical result received")).one()
    with action_context("tests.forwarded", SYSTEM):
        nurse = Notification(user_id=person("nurse").id, title=first.title, url=first.url, kind=first.kind)
        db.session.add(nurse)
    lab_actions.enter_results(ordered.id, {"K": "3.9"}, reason="Haemolysed sample", by=person("lab"))
    told = db.session.scalars(select(Notification).where(Notification.title == "Critical result corrected")).all()
    assert {alert.user_id for alert in told} == {person("doctor").id, person("nurse").id}
    assert len(told) == 2
    assert {alert.kind for alert in told} == {"urgent"}
    name = catalogue()["K"].name
    assert first.message == name
    assert {alert.message.partition(". ")[0] for alert in told} == {name}
