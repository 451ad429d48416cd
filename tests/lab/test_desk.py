"""A test from the encounter page to the laboratory and back, with its charge."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from hms.billing.models import BillLine
from hms.clinical import signing, withdrawal
from hms.clinical.encounters import actions as encounter_actions
from hms.core.actions import action_context
from hms.core.errors import Conflict, NotAllowed, RuleBroken
from hms.core.person import SYSTEM
from hms.lab import actions as lab_actions
from hms.lab import queries, rules
from hms.lab.catalogue import tests as catalogue
from hms.lab.models import LabOrder, LabResult
from hms.messages.models import Notification
from hms.patients.models import Patient
from tests.clinical.factories import a_patient, allergic, an_encounter
from tests.page import words

STATEMENTS_OF_AN_ORDER = 13


@pytest.fixture
def opened(db, person):
    return an_encounter(person("doctor"), a_patient())


def at(encounter) -> str:
    return f"/encounters/{encounter.id}"


def text(answer) -> str:
    return words(answer.get_data(as_text=True)).replace("\u00a0", " ")


def an_order(encounter, by, code="HB", **more) -> LabOrder:
    return lab_actions.order_test(encounter.id, code=code, by=by, **more)


def charged(db) -> list[tuple[str, str]]:
    lines = db.session.scalars(select(BillLine).where(BillLine.withdrawn_at.is_(None))).all()
    return [(line.description, str(line.amount)) for line in lines if line.source == "lab_order"]


def test_a_test_goes_to_the_laboratory_and_its_result_comes_back(desk, opened, db, person):
    lab_actions.load_prices(with_prices=True, by=SYSTEM)
    doctor, lab = desk("doctor"), desk("lab")
    assert "Haemoglobin" in text(doctor.get("/lab/tests?q=haem"))
    assert (
        doctor.form(at(opened), test="Haemoglobin", test_code="HB", test_urgent="yes", do="add_test").status_code == 303
    )
    assert charged(db) == [("Blood test", "40.00")]
    assert "Waiting for the laboratory" in text(doctor.get(at(opened)))
    order = db.session.scalars(select(LabOrder)).one()
    seen = text(lab.get("/lab/"))
    assert "KAMARA, Kadiatu" in seen
    assert "Urgent" in seen
    assert lab.form(f"/lab/orders/{order.id}", value_HB="3.1").status_code == 303
    assert "No tests to do" in text(lab.get("/lab/"))
    assert "3.1 g/dL" in text(lab.get("/lab/?show=done"))
    assert "3.1 g/dL" in text(doctor.get(at(opened)))
    assert "3.1 g/dL" in text(desk("nurse").get(f"/patients/{opened.patient_id}/results?kind=lab"))
    notification = db.session.scalars(select(Notification).where(Notification.user_id == person("doctor").id)).one()
    assert (notification.title, notification.message) == ("Critical result received", "Haemoglobin")


def test_the_open_page_updates_only_its_own_tests(desk, opened, person):
    order, address = an_order(opened, person("doctor")), f"/encounters/{opened.id}/tests"
    doctor = desk("doctor")
    html = " ".join(doctor.get(at(opened)).get_data(as_text=True).split())
    assert f'data-refresh-on="result-in" data-refresh-from="{address}"' in html
    assert "Cancel" in text(doctor.get(address))
    lab_actions.enter_results(order.id, {"HB": "12.5"}, by=person("lab"))
    assert "12.5 g/dL" in text(doctor.get(address))
    assert desk("nurse").get(address).status_code == 403
    with action_context("tests.hand_over", SYSTEM):
        opened.doctor_id = person("nurse").id
    assert doctor.get(address).status_code == 404


def test_a_signed_encounter_shows_its_tests(desk, opened, person):
    doctor = person("doctor")
    an_order(opened, doctor, "MRDT")
    encounter_actions.save_encounter(opened.id, notes="n", no_diagnosis_reason="check-up", by=doctor)
    signing.sign(opened.id, by=doctor)
    assert "Malaria rapid test" in text(desk("nurse").get(at(opened)))


def test_each_test_shows_its_own_values_and_earlier_visits_their_results(opened, person):
    doctor, lab = person("doctor"), person("lab")
    before = an_order(opened, doctor)
    lab_actions.enter_results(before.id, {"HB": "9.5"}, by=lab)
    encounter_actions.save_encounter(opened.id, notes="n", no_diagnosis_reason="check-up", by=doctor)
    signing.sign(opened.id, by=doctor)
    visit = encounter_actions.start_encounter(patient_id=opened.patient_id, by=doctor)
    rapid, blood = an_order(visit, doctor, "MRDT"), an_order(visit, doctor)
    lab_actions.enter_results(blood.id, {"HB": "16.1"}, by=lab)
    lab_actions.enter_results(blood.id, {"HB": "6.1"}, reason="another tube", by=lab)
    for _way in ("by the session", "by the driver"):
        seen = queries.load_encounter_tests(visit.id, visit.patient_id)
        assert [(order.id, len(order.results)) for order in seen.orders] == [(rapid.id, 0), (blood.id, 2)]
        assert [result.value.split("\u00a0")[0] for result in seen.orders[1].results] == ["16.1", "6.1"]
        assert [(order.id, order.results[0].code) for order in seen.earlier] == [(before.id, "HB")]


def test_a_panel_is_done_when_its_last_value_is_in(opened, db, person):
    order, lab = an_order(opened, person("doctor"), "FBC"), person("lab")
    lab_actions.enter_results(order.id, {"HB": "12", "WBC": "5.5"}, by=lab)
    assert order.status == "waiting"
    lab_actions.enter_results(order.id, {"NEUT": "3", "LYMPH": "2", "PLT": "220", "MCV": "85"}, by=lab)
    assert order.status == "done"
    assert len(queries.current_results(queries.get_order(order.id, lab))) == 6


def test_a_correction_needs_a_reason_and_keeps_the_old_value(desk, opened, db, person):
    order, client = an_order(opened, person("doctor")), desk("lab")
    client.form(f"/lab/orders/{order.id}", value_HB="16.1")
    refused = client.form(f"/lab/orders/{order.id}", value_HB="6.1")
    assert refused.status_code == 400
    assert "Enter the reason for the correction" in text(refused)
    assert 'value="6.1"' in refused.get_data(as_text=True)
    assert client.form(f"/lab/orders/{order.id}", value_HB="6.1", reason="read from another tube").status_code == 303
    values = [(result.value.replace("\u00a0", " "), result.reason) for result in db.session.scalars(select(LabResult))]
    assert values == [("16.1 g/dL", ""), ("6.1 g/dL", "read from another tube")]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"value_HB": "many"}, "Enter a number"),
        ({"value_HB": "-3"}, "from 0 to 10,000,000"),
        ({"value_HB": "1.000"}, "Enter a number"),
        ({"value_HB": ""}, "at least one value"),
        ({"value_HB": "x" * 31}, "at most 30"),
    ],
)
def test_a_wrong_value_is_refused_at_its_field(desk, opened, db, person, typed, message):
    order = an_order(opened, person("doctor"))
    answer = desk("lab").form(f"/lab/orders/{order.id}", **typed)
    assert answer.status_code == 400
    assert message in text(answer)
    assert db.session.scalars(select(LabResult)).all() == []


def test_a_result_of_a_colleague_is_not_overwritten(desk, opened, person):
    order = an_order(opened, person("doctor"))
    old = order.version
    lab_actions.enter_results(order.id, {"HB": "12"}, by=person("lab"))
    assert desk("lab").form(f"/lab/orders/{order.id}", version=old, value_HB="11").status_code == 409


def test_a_test_is_ordered_once_and_cancelled_with_its_charge(desk, opened, db, person):
    client, doctor = desk("doctor"), person("doctor")
    client.form(at(opened), test="haemoglobin", do="add_test")
    again = client.form(at(opened), test="haemoglobin", do="add_test", plan="rest")
    assert (again.status_code, "already ordered" in text(again)) == (409, True)
    order = db.session.scalars(select(LabOrder)).one()
    assert client.form(at(opened), test="", do=f"cancel_test:{order.id}").status_code == 303
    assert charged(db) == []
    with pytest.raises(Conflict):
        lab_actions.cancel_order(order.id, by=doctor)
    with pytest.raises(Conflict):
        lab_actions.enter_results(order.id, {"HB": "12"}, by=person("lab"))


def test_a_text_that_matches_no_test_or_several_is_refused(desk, opened, db):
    client = desk("doctor")
    for typed in ("tea leaves", "glucose", ""):
        answer = client.form(at(opened), test=typed, do="add_test", notes="kept")
        assert (answer.status_code, "Choose a test" in text(answer)) == (400, True)
        assert "kept</textarea>" in answer.get_data(as_text=True)
    begun = client.form(at(opened), test="glucose", notes="n", do="sign")
    assert "before you sign" in text(begun)
    assert db.session.scalars(select(LabOrder)).all() == []


def test_other_roles_are_refused(desk, opened, person):
    order = an_order(opened, person("doctor"))
    for role in ("doctor", "nurse", "cashier", "receptionist"):
        assert desk(role).get("/lab/").status_code == 403
        assert desk(role).get(f"/lab/orders/{order.id}").status_code == 403
    assert desk("lab").get("/lab/tests?q=h").status_code == 403
    assert desk("lab").get("/lab/orders/999999").status_code == 404
    with pytest.raises(NotAllowed):
        lab_actions.order_test(opened.id, code="HB", by=person("nurse"))


def test_values_are_flagged_by_sex_and_age():
    hb = catalogue()["HB"]
    assert rules.read_value(hb, "", "female", Decimal(35)) is None
    child, adult = rules.read_value(hb, "11,5", "female", Decimal(3)), rules.read_value(hb, "11,5", "male", Decimal(35))
    assert (child.flag, adult.flag) == ("", "Low")
    with pytest.raises(RuleBroken):
        rules.read_value(catalogue()["MRDT"], "Perhaps", "female", Decimal(35))


def test_the_worklist_needs_the_same_queries_for_more_orders(desk, opened, person, db):
    client, doctor = desk("lab"), person("doctor")
    an_order(opened, doctor)
    few = client.queries("/lab/")
    for code in ("WBC", "PLT", "MRDT", "CREA", "K"):
        an_order(opened, doctor, code)
    assert client.queries("/lab/") == few


def test_an_order_with_a_result_is_not_cancelled_and_keeps_its_visit_and_record(opened, person, db):
    """A part of a blood count is entered: the order waits, but what was found stays on record."""
    doctor, admin = person("doctor"), person("admin")
    count, other = an_order(opened, doctor, code="FBC"), an_order(opened, doctor, code="HB")
    lab_actions.enter_results(count.id, {"HB": "13"}, by=person("lab"))
    assert count.status == "waiting"
    with pytest.raises(Conflict, match="has results"):
        lab_actions.cancel_order(count.id, by=doctor)
    with pytest.raises(Conflict, match="have results"):
        withdrawal.withdraw_encounter(opened.id, by=admin)
    assert (opened.status, other.status) == ("in_progress", "waiting")


def test_tests_that_wait_end_with_an_encounter_entered_in_error(opened, person, db):
    lab_actions.load_prices(with_prices=True, by=SYSTEM)
    order = an_order(opened, person("doctor"))
    withdrawal.withdraw_encounter(opened.id, by=person("admin"))
    assert (opened.status, order.status, charged(db)) == ("entered_in_error", "cancelled", [])


def test_tests_of_a_restored_encounter_wait_and_are_charged_again(opened, person, db):
    lab_actions.load_prices(with_prices=True, by=SYSTEM)
    doctor, admin = person("doctor"), person("admin")
    order, unwanted = an_order(opened, doctor), an_order(opened, doctor, code="WBC")
    lab_actions.cancel_order(unwanted.id, by=doctor)
    before = charged(db)
    withdrawal.withdraw_encounter(opened.id, by=admin)
    withdrawal.restore_encounter(opened.id, by=admin)
    assert (opened.status, order.status, unwanted.status) == ("in_progress", "waiting", "cancelled")
    assert (charged(db), len(before)) == (before, 1)


def test_the_page_of_an_order_shows_whose_it_is_in_no_more_statements(desk, opened, db, person):
    patient = db.session.get(Patient, opened.patient_id)
    allergic(patient)
    order = an_order(opened, person("doctor"))
    lab, at_order = desk("lab"), f"/lab/orders/{order.id}"
    page = lab.get(at_order).get_data(as_text=True)
    banner = page.split('data-ux="banner"')[1].split("</section>")[0]
    assert all(part in banner for part in ("KAMARA, Kadiatu", patient.hospital_number, 'data-ux="banner-born"'))
    refused = lab.form(at_order, value_HB="banana")
    assert (refused.status_code, 'data-ux="banner"' in refused.get_data(as_text=True)) == (400, True)
    assert int(lab.get(at_order).headers["X-Queries"]) <= STATEMENTS_OF_AN_ORDER


def test_the_page_says_what_a_typed_result_means(desk, opened, person, db):
    order = an_order(opened, person("doctor"), code="FBC")
    lab, address = desk("lab"), f"/lab/orders/{order.id}/meaning"

    def said(**typed: str) -> dict[str, tuple[str, str]]:
        fields = lab.send(address, **{f"value_{code}": text for code, text in typed.items()}).json["fields"]
        return {name.removeprefix("value_"): (row["text"], row["level"]) for name, row in fields.items()}

    range_of_women = catalogue()["HB"].range_for("female", Decimal(35)).text
    assert said(HB="12.5")["HB"] == (f"Normal ({range_of_women})", "normal")
    assert said(HB="3.1")["HB"] == (f"Critical low ({range_of_women})", "critical")
    assert said(HB="9")["HB"] == (f"Low ({range_of_women})", "low")
    assert said(HB="125") == {
        "HB": ("125\u00a0g/dL is not possible. Did you mean 12.5? Check the number and its unit.", "wrong")
    }
    assert said(HB="x")["HB"] == ("Enter a number, for example 10.1, or <3 or >1000.", "wrong")
    assert said(HB="<14") == said(HB="") == said() == {}
    assert said(HB="<4")["HB"] == (f"Critical low ({range_of_women})", "critical")
    assert db.session.scalars(select(LabResult)).all() == []
    assert desk("doctor").send(address).status_code == 403
    assert lab.post(address, data={"value_HB": "3.1"}).status_code == 400, "without the form's token"
    assert f'data-meaning="{address}"' in lab.get(f"/lab/orders/{order.id}").get_data(as_text=True)
    ageless = an_encounter(person("doctor"), a_patient(given_names="Ageless", birth_date=None))
    address = f"/lab/orders/{an_order(ageless, person('doctor')).id}/meaning"
    assert said(HB="12.5")["HB"] == ("No reference range for this patient's age and sex", "note")


def test_alerts_of_results_name_the_tests_but_not_in_the_title_that_open_pages_get(desk, opened, person, db):
    order = an_order(opened, person("doctor"), code="FBC")
    usual = {"WBC": "6", "NEUT": "4", "LYMPH": "2", "PLT": "250", "MCV": "88"}
    lab_actions.enter_results(order.id, {"HB": "3.1"}, by=person("lab"))
    lab_actions.enter_results(order.id, usual, by=person("lab"))
    alerts = [(row.title, row.message) for row in db.session.scalars(select(Notification).order_by(Notification.id))]
    assert alerts == [
        ("Critical result received", "Full blood count: Haemoglobin"),
        ("Result received", "Full blood count"),
    ]
    page = text(desk("doctor").get("/notifications"))
    assert "Result received Full blood count" in page
    assert "KAMARA" not in page
