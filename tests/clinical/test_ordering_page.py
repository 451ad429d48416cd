"""Prescribing on the encounter page: another dose, changed lines, alternatives at a serious alert."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from hms.clinical import signing
from hms.clinical.models import Prescription
from hms.clinical.prescriptions import actions
from hms.clinical.vitals import actions as vitals_actions
from hms.core.actions import action_context
from hms.core.errors import Conflict, NotAllowed
from hms.core.person import SYSTEM
from hms.formulary.models import DoseSentence
from hms.patients.models import Patient
from hms.pharmacy.dispensing import holds as pharmacy
from tests.clinical.factories import a_patient, allergic, an_encounter, born, reasons
from tests.formulary.factories import load, medicine
from tests.page import Page, words


@pytest.fixture
def opened(db, person):
    load()
    return an_encounter(person("doctor"), a_patient())


def at(encounter) -> str:
    return f"/encounters/{encounter.id}"


def lines(db) -> list[Prescription]:
    db.session.expire_all()
    query = select(Prescription).where(Prescription.status == "draft").order_by(Prescription.id)
    return list(db.session.scalars(query))


def own(key: str = "amoxicillin-500-mg-capsule", **fields) -> dict:
    dose = {"rx_amount": "500", "rx_unit": "mg", "rx_frequency": "three_times_daily", "rx_days": "7"}
    return {"rx": "amoxicillin", "rx_choice": f"m:{medicine(key).id}", **dose, **fields, "do": "add_rx"}


def test_a_dose_in_fields_is_saved_and_its_supply_calculated(desk, opened, db):
    client = desk("doctor")
    assert client.form(at(opened), **own()).status_code == 303
    (line,) = lines(db)
    assert (line.dose_amount, line.dose_unit, line.route, line.days, line.quantity) == (500, "mg", "oral", 7, 21)
    shown = words(client.get(at(opened)).get_data(as_text=True)).replace("\u00a0", " ")
    assert "DOSE 500 mg — oral — three times a day — 7 days — supply 21" in shown


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rx_amount": "lots"}, "Enter the dose as a number"),
        ({"rx_frequency": ""}, "Enter the frequency"),
        ({"rx_days": "a while"}, "Enter the duration"),
        ({"rx_dose": "250 mg bd 7/7"}, "The short form means"),
        ({"rx_most": "1"}, "less than one dose"),
    ],
)
def test_a_wrong_dose_is_refused_and_all_fields_are_kept(desk, opened, db, fields, message):
    answer = desk("doctor").form(at(opened), **own(**fields), plan="rest at home")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert message in words(html)
    kept = next(form["fields"] for form in Page(html).forms if form["action"] == at(opened))
    wanted = {
        name: text for name, text in own(**fields).items() if name in kept and name not in ("rx_unit", "rx_frequency")
    }
    assert {name: kept[name] for name in wanted} == wanted
    assert "rest at home" in html
    assert lines(db) == []


def test_the_dose_fields_are_shown_as_a_sentence(desk, opened):
    client = desk("doctor")
    chosen = {"rx_choice": f"m:{medicine('amoxicillin-500-mg-capsule').id}"}

    def previewed(**typed: str) -> dict:
        return client.send("/clinical/dose", **typed).json

    preview = previewed(**chosen, rx_dose="500mg tds 5/7")
    assert "DOSE 500\u00a0mg — oral — three times a day — 5 days" in preview["sentence"]
    assert preview["supply"] == "supply 15\u00a0capsules"
    assert preview["fields"]["rx_frequency"] == "three_times_daily"
    said = previewed(**chosen, rx_dose="500mg tds pc 5/7", rx_instructions="With water")["sentence"]
    assert said.endswith("5 days — With water, after food")
    assert "Enter the frequency" in previewed(**chosen, rx_amount="1")["problem"]
    assert "500\u00a0capsules at once is too many" in previewed(**chosen, rx_amount="500")["problem"]
    assert "(capsule) is not counted in ampoules" in previewed(**chosen, rx_dose="1 amp stat po")["problem"]
    assert previewed(rx="honey", rx_dose="1") == {"sentence": "", "fields": {}}
    odd = (("rx_choice", "m:x"), ("rx_choice", "s:9999999999999999"), ("rx_amount", "\x00"), ("rx_line", "x"), ("", ""))
    for pair in odd:
        assert client.send("/clinical/dose", **dict([pair])).status_code == 200
    assert desk("nurse").send("/clinical/dose", **chosen).status_code == 403


def test_a_line_is_changed_in_its_place(desk, opened, db):
    client = desk("doctor")
    client.form(at(opened), **own(rx_instructions="after food"))
    (line,) = lines(db)
    assert client.form(at(opened), do=f"edit_rx:{line.id}").status_code == 303
    html = client.get(at(opened)).get_data(as_text=True)
    assert "Being changed below" in words(html)
    assert 'value="after food"' in html
    assert client.form(at(opened), rx_days="5", do="add_rx").status_code == 303
    (changed,) = lines(db)
    assert (changed.id, changed.days, changed.quantity, changed.instructions) == (line.id, 5, 15, "after food")
    client.form(at(opened), do=f"edit_rx:{line.id}")
    client.form(at(opened), rx_days="9", do="clear_rx")
    assert lines(db)[0].days == 5
    assert "Being changed below" not in words(client.get(at(opened)).get_data(as_text=True))


def supply(answer) -> str:
    """The value of the quantity field."""
    box = re.search(r'<input[^>]*name="rx_quantity"[^>]*>', answer.get_data(as_text=True))[0]
    return re.search(r'value="([^"]*)"', box)[1] if "value=" in box else ""


def test_what_is_typed_on_one_page_is_not_on_another(desk, opened, db, person):
    client, other = desk("doctor"), an_encounter(person("doctor"), a_patient(given_names="Musa"))
    client.form(at(opened), **own(rx_quantity="14"))
    (line,) = lines(db)
    client.form(at(opened), do=f"edit_rx:{line.id}")
    assert (supply(client.get(at(opened))), supply(client.get(at(other)))) == ("14", "")
    assert supply(client.get(at(opened))) == "14"
    assert client.form(at(opened), rx_days="5", do="add_rx").status_code == 303
    assert [(line.days, line.quantity) for line in lines(db)] == [(5, 14)]


@pytest.mark.parametrize("typed", ["0", "000", "x"])
def test_a_quantity_is_shown_again_as_it_was_typed(desk, opened, typed):
    client = desk("doctor")
    client.get(at(opened))
    refused = client.form(at(opened), rx_quantity=typed, follow_up_on="some day", do="draft")
    assert (refused.status_code, supply(refused)) == (400, typed)


def test_a_line_is_not_edited_while_another_medicine_is_typed(desk, opened, db):
    client = desk("doctor")
    client.form(at(opened), **own())
    (line,) = lines(db)
    refused = client.form(at(opened), rx="paracetamol", do=f"edit_rx:{line.id}")
    assert refused.status_code == 400
    assert "before you change another" in words(refused.get_data(as_text=True))
    assert 'value="paracetamol"' in refused.get_data(as_text=True)
    assert client.form(at(opened), rx="", do="edit_rx:99999").status_code == 404


def test_a_serious_alert_offers_alternatives(desk, opened, db):
    allergic(db.session.get(Patient, opened.patient_id))
    client = desk("doctor")
    stopped = client.form(at(opened), **own())
    html = stopped.get_data(as_text=True)
    offered = re.findall(r'value="take_rx:(s:\d+)"', html)
    names = [db.session.get(DoseSentence, int(value[2:])).medication_id for value in offered]
    assert 1 <= len(offered) <= 4
    assert medicine("azithromycin-500-mg-tablet").id in names
    assert medicine("phenoxymethylpenicillin-250-mg-tablet").id not in names
    assert client.form(at(opened), rx="amoxicillin", rx_asked="1", do=f"take_rx:{offered[0]}").status_code == 303
    (line,) = lines(db)
    assert (line.medication_id, line.override_code) == (names[0], "")
    assert 'value="amoxicillin"' not in client.get(at(opened)).get_data(as_text=True)


def test_alternatives_suit_the_age_and_show_their_stock(desk, db, person):
    load()
    child = a_patient(birth_date=born(3))
    allergic(child)
    vitals_actions.record_vitals(child.id, weight="10", is_confirmed=True, by=person("nurse"))
    encounter = an_encounter(person("doctor"), child)
    html = desk("doctor").form(at(encounter), **own("amoxicillin-250-mg-5-ml-suspension")).get_data(as_text=True)
    offered = [db.session.get(DoseSentence, int(n)) for n in re.findall(r'value="take_rx:s:(\d+)"', html)]
    assert offered
    assert {dose.audience for dose in offered} <= {"child", "any"}
    assert "OUT OF STOCK" in words(html)


def test_a_too_high_dose_offers_the_usual_dose_of_the_medicine(desk, opened, db):
    with action_context("tests.stock", SYSTEM):
        medicine("paracetamol-500-mg-tablet").current_stock = 50
    too_much = own(
        "paracetamol-500-mg-tablet", rx="paracetamol", rx_amount="2", rx_unit="g", rx_frequency="four_times_daily"
    )
    html = desk("doctor").form(at(opened), **too_much).get_data(as_text=True)
    first = re.search(r'value="take_rx:s:(\d+)"', html)[1]
    assert db.session.get(DoseSentence, int(first)).medication_id == medicine("paracetamol-500-mg-tablet").id
    assert "50 in stock" in words(html)


def test_an_insulin_is_no_other_insulin(desk, opened, db):
    dose = {"rx_amount": "200", "rx_unit": "units", "rx_frequency": "twice_daily"}
    soluble = own("insulin-soluble-100-units-ml-injection", rx="insulin", rx_days="28", **dose)
    html = desk("doctor").form(at(opened), **soluble).get_data(as_text=True)
    assert "alert-stop" in html
    assert "rx-instead" not in html, "only a mixed insulin and tablets are known beside it"
    tablets = own("paracetamol-500-mg-tablet", rx="paracetamol", rx_amount="2", rx_unit="g")
    html = desk("doctor").form(at(opened), **tablets).get_data(as_text=True)
    assert "ibuprofen" in html.partition("rx-instead")[2].partition("</ul>")[0]
    assert "tramadol" not in html.partition("rx-instead")[2].partition("</ul>")[0]


def test_each_alert_is_answered_where_it_is_asked_and_kept(desk, opened, db):
    client = desk("doctor")
    allergic(db.session.get(Patient, opened.patient_id))
    typed = own(rx_amount="4000", rx_days="5")
    stopped = client.form(at(opened), **typed).get_data(as_text=True)
    asked = reasons(stopped, "no_alternative", "Sepsis")
    assert len([name for name in asked if name.endswith("-code")]) >= 2
    first = dict(list(asked.items())[:1])
    half = client.form(at(opened), **typed, rx_asked="1", **first)
    assert half.status_code == 400
    assert half.get_data(as_text=True).count('aria-invalid="true"') == len(asked) // 2 - 1
    assert "Choose a reason, or do not prescribe it." in words(half.get_data(as_text=True))
    assert client.form(at(opened), **typed, rx_asked="1", **asked).status_code == 303
    (line,) = lines(db)
    assert len(line.reasons) == len(asked) // 2
    page = words(client.get(at(opened)).get_data(as_text=True))
    assert page.count("Given all the same: There is no alternative: Sepsis") == len(line.reasons)
    edit = client.form(at(opened), do=f"edit_rx:{line.id}")
    assert edit.status_code == 303
    kept = client.get(edit.headers["Location"]).get_data(as_text=True)
    assert kept.count('value="no_alternative" selected') == len(line.reasons), "what was chosen before is kept"


def test_the_signature_asks_once_for_what_is_new(desk, opened, db):
    """A new allergy before the signature, and a pair that stands at two medicines."""
    client = desk("doctor")
    for key in ("enalapril-5-mg-tablet", "ibuprofen-400-mg-tablet"):
        dose = {"rx_amount": key.split("-")[1], "rx_frequency": "once_daily", "rx_days": "5"}
        assert client.form(at(opened), **own(key, rx=key.split("-")[0], **dose)).status_code == 303
    allergic(db.session.get(Patient, opened.patient_id), "enalapril")
    note = {"notes": "n", "no_diagnosis_reason": "check"}
    refused = client.form(at(opened), do="sign", **note).get_data(as_text=True)
    missing = reasons(refused, "benefit_outweighs")
    assert "Allergy recorded: enalapril" in words(refused)
    assert words(refused).count("enalapril + ibuprofen:") == 2, "once at its line, once where the reason is asked"
    assert client.form(at(opened), do="sign", **note, **missing).status_code == 303
    db.session.expire_all()
    signed = list(db.session.scalars(select(Prescription).where(Prescription.status == "active")))
    assert [bool(each.reasons) for each in signed] == [True, True]


def test_the_alert_stays_while_the_rest_is_saved(desk, opened, db):
    allergic(db.session.get(Patient, opened.patient_id))
    client = desk("doctor")
    client.form(at(opened), **own())
    stopped = client.form(at(opened), **own()).get_data(as_text=True)
    begun = own() | {"do": "add_dx", "dx": "Cough", "rx_asked": "1"} | reasons(stopped, "", "no other")
    assert client.form(at(opened), **begun).status_code == 303
    page = client.get(at(opened)).get_data(as_text=True)
    assert "alert-stop" in page
    assert 'value="no other"' in page
    assert client.form(at(opened), **reasons(page, "no_alternative"), do="add_rx").status_code == 303
    assert lines(db)[0].override_reason == "no other"


def test_the_prescriber_answers_the_query_and_stops_a_medicine(desk, opened, db, person):
    doctor, client = person("doctor"), desk("doctor")
    client.form(at(opened), **own(), notes="n", no_diagnosis_reason="cough")
    signing.sign(opened.id, by=doctor)
    line = db.session.scalars(select(Prescription)).one()
    pharmacy.query_prescriber(line.id, reason="Is 500 mg meant?", by=person("pharmacist"))
    seen = words(client.get(at(opened)).get_data(as_text=True))
    assert "Query from the pharmacy: Is 500 mg meant?" in seen
    assert "Answer and resume" not in words(desk("nurse").get(at(opened)).get_data(as_text=True))
    empty = client.form(at(opened), do="answer")
    assert (empty.status_code, "Enter an answer" in words(empty.get_data(as_text=True))) == (400, True)
    assert client.form(at(opened), text="Yes, she is 62 kg.", do="answer").status_code == 303
    db.session.expire_all()
    assert line.status == "active"
    assert "Yes, she is 62 kg." in words(desk("pharmacist").get("/pharmacy/").get_data(as_text=True))
    assert client.form(at(opened), text="Rash", do="stop").status_code == 303
    db.session.expire_all()
    assert (line.status, "Rash" in line.status_reason) == ("stopped", True)
    with pytest.raises(Conflict):
        actions.stop_prescription(line.id, text="again", by=doctor)
    with pytest.raises(NotAllowed):
        actions.stop_prescription(line.id, text="mine?", by=SYSTEM)
