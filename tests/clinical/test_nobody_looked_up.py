"""Doses, routes and pairs that were passed without anybody having looked them up."""

from __future__ import annotations

import pytest

from hms.core.person import SYSTEM
from hms.formulary.medicines import catalogue
from hms.patients.allergies import actions as allergies
from tests.clinical.factories import a_patient, an_encounter, born
from tests.formulary.factories import load, medicine

STOPPED = [
    # key in the starting list, dosage, frequency, duration, words of the alert
    ("morphine-10-mg-ml-injection", "1000 mg", "stat im", "", "high-alert"),
    ("insulin-soluble-100-units-ml-injection", "5000 units", "tds", "5 days", "high-alert"),
    ("potassium-chloride-1.5-g-10-ml-injection", "15 g", "stat iv", "", "high-alert"),
    ("adrenaline-1-mg-ml-injection", "10 mg", "stat iv", "", "high-alert"),
    ("magnesium-sulfate-5-g-10-ml-injection", "50 g", "stat im", "", "high-alert"),
    ("oxytocin-10-units-ml-injection", "100 units", "stat", "", "high-alert"),
    ("ketamine-50-mg-ml-injection", "2 g", "stat", "", "high-alert"),
    ("heparin-5-000-units-ml-injection", "50000 units", "bd", "", "high-alert"),
    ("digoxin-250-micrograms-tablet", "1 mg", "od", "30 days", "for longer than one day"),
    ("paracetamol-500-mg-tablet", "4 g", "stat", "", "at once"),
    ("paracetamol-500-mg-tablet", "8 tablets", "once daily", "", "at once"),
    ("tramadol-50-mg-capsule", "400 mg", "stat", "", "at once"),
    ("amlodipine-10-mg-tablet", "10 mg", "1-0-1", "30 days", "daily maximum"),
    ("amlodipine-10-mg-tablet", "10 mg × 5", "", "", "daily maximum"),
    ("amlodipine-10-mg-tablet", "10 mg", "1-0-1", "5", "daily maximum"),
    ("amlodipine-10-mg-tablet", "10 mg", "x5", "", "daily maximum"),
    ("amlodipine-10-mg-tablet", "2½ tablets", "od", "", "daily maximum"),
]
PASSED = [
    ("digoxin-250-micrograms-tablet", "250 micrograms", "od", "30 days"),
    ("digoxin-250-micrograms-tablet", "750 micrograms", "stat", ""),
    ("paracetamol-500-mg-tablet", "1 g", "qds", "5 days"),
    ("amlodipine-10-mg-tablet", "½ tablet", "1-0-1", "30 days"),
    ("warfarin-5-mg-tablet", "5 mg", "od", "30 days"),
]
PAIRS = [
    ("warfarin", "amiodarone", "stop"),
    ("azathioprine", "allopurinol", "stop"),
    ("methotrexate", "co-trimoxazole", "stop"),
    ("Imuran 50 mg", "Zyloric", "stop"),
]
WRONG_ROUTES = [
    ("warfarin-5-mg-tablet", {"dosage": "5 mg", "frequency": "od", "route": "intravenous"}),
    ("warfarin-5-mg-tablet", {"dosage": "5 mg iv", "frequency": "od"}),
    ("warfarin-5-mg-tablet", {"dosage": "5 mg", "frequency": "by slow I.V. push when the ward says so"}),
    ("amoxicillin-500-mg-capsule", {"dosage": "500 mg", "frequency": "tds", "route": "IM"}),
    ("paracetamol-120-mg-5-ml-syrup", {"dosage": "5 mL", "frequency": "tds", "route": "sc"}),
    ("chloramphenicol-0.5-percent-eye-drops", {"dosage": "1 drop", "frequency": "qds", "route": "oral"}),
]


HIGH_ALERT_NAMES = [
    ("KCl", "40 mmol", "stat iv"),
    ("MgSO4", "50 g", "stat im"),
    ("MST Continus", "900 mg", "bd"),
    ("Marevan", "50 mg", "od"),
    ("adrénaline", "10 mg", "stat neb"),
    ("Lantus", "500 units", "od sc"),
    ("sodium chloride 23.4%", "100 mL", "stat iv"),
    ("Sulfate de magnésium", "50 g", "stat iv"),
    ("tapentadol", "500 mg", "od"),
    ("Heroin", "50 mg", "stat iv"),
    ("Sintrom", "20 mg", "od"),
    ("vincristine", "10 mg", "stat iv"),
]
FREE_TEXT_FORMS = [
    ("Plugh capsules", "intravenous"),
    ("paracetamol syrup", "IM"),
    ("comprimés de quinine", "iv"),
    ("Hydrocortisone cream", "intravenous"),
    ("diclofenac suppository", "oral"),
    ("chloramphenicol eye ointment", "topical"),
    ("fentanyl patch", "oral"),
    ("Plugh drops", "intravenous"),
    ("Plugh mouth spray", "IM"),
    ("Plugh enema", "oral"),
    ("Plugh powder", "ear"),
]
FREE_TEXT_FITS = [
    ("Plugh capsules", "oral"),
    ("Plugh injection or tablets", "intravenous"),
    ("Ringer solution", "intravenous"),
    ("Plugh", "intravenous"),
    ("Plugh powder", "intravenous"),
]


@pytest.fixture
def encounter(db, person):
    load()
    patient = a_patient(birth_date=born(40))
    allergies.confirm_no_allergies(patient.id, by=SYSTEM)
    return an_encounter(person("doctor"), patient)


@pytest.fixture
def order(program, encounter):
    client = program("doctor")

    def send(key, dosage="", frequency="", duration="", **more):
        body = {"encounter": encounter.id, "dosage": dosage, "frequency": frequency, "duration": duration}
        return client.post("/api/prescriptions/", json=body | {"medication": medicine(key).id} | more)

    return send


@pytest.mark.parametrize(("key", "dosage", "frequency", "duration", "words"), STOPPED)
def test_a_dose_that_was_passed_asks_for_a_reason(order, key, dosage, frequency, duration, words):
    refused = order(key, dosage, frequency, duration)
    assert (refused.status_code, list(refused.json)) == (400, ["override_reason", "questions"])
    assert words in refused.json["override_reason"][0]
    made = order(key, dosage, frequency, duration, override_code="benefit_outweighs")
    assert made.status_code == 201
    assert "stop" in {alert["tier"] for alert in made.json["alerts"]}


@pytest.mark.parametrize(("key", "dosage", "frequency", "duration"), PASSED)
def test_a_usual_dose_passes_and_says_what_was_looked_up(order, key, dosage, frequency, duration):
    made = order(key, dosage, frequency, duration)
    assert (made.status_code, made.json["could_not_check"]) == (201, [])
    assert any("list of high-alert medicines" in words for words in made.json["looked_up"])
    assert any("daily maximum" in words for words in made.json["looked_up"])


@pytest.mark.parametrize(("key", "texts"), WRONG_ROUTES)
def test_the_route_must_fit_the_form(order, key, texts):
    refused = order(key, **texts, override_code="no_alternative")
    assert refused.status_code == 400
    assert "cannot be given by this route" in refused.json["route"][0]


@pytest.mark.parametrize(("name", "dosage", "frequency"), HIGH_ALERT_NAMES)
def test_other_names_of_high_alert_medicines_ask_for_a_reason(program, encounter, name, dosage, frequency):
    body = {"encounter": encounter.id, "medication_name": name, "dosage": dosage, "frequency": frequency}
    route = frequency.partition(" ")[2]
    refused = program("doctor").post("/api/prescriptions/", json=body | {"route": route})
    assert (refused.status_code, list(refused.json)) == (400, ["override_reason", "questions"])
    assert "high-alert" in refused.json["override_reason"][0]


@pytest.mark.parametrize(("name", "route"), FREE_TEXT_FORMS + FREE_TEXT_FITS)
def test_the_form_in_a_free_text_name_must_fit_the_route(program, encounter, name, route):
    body = {"encounter": encounter.id, "medication_name": name, "dosage": "1 mg", "route": route}
    answer = program("doctor").post("/api/prescriptions/", json=body | {"override_code": "no_alternative"})
    if (name, route) in FREE_TEXT_FITS:
        assert answer.status_code == 201
    else:
        assert (answer.status_code, list(answer.json)) == (400, ["route"])


def test_a_route_that_was_not_compared_with_a_form_says_so(program, encounter):
    body = {"encounter": encounter.id, "dosage": "1 mg", "route": "intravenous", "override_code": "no_alternative"}
    said = {}
    for name in ("Plugh", "Plugh injection", "Plugh drops"):
        sent = body | {"medication_name": name} | ({"route": "oral"} if name == "Plugh drops" else {})
        said[name] = program("doctor").post("/api/prescriptions/", json=sent).json["could_not_check"]
    assert "The form of Plugh is not known. The route was not checked." in said["Plugh"]
    assert not any("route was not checked" in words for name in list(said)[1:] for words in said[name])


def test_a_refusal_names_its_questions_and_takes_a_reason_for_each(order, program, encounter):
    args = ("morphine-10-mg-ml-injection", "500 mg", "od iv", "3 days")
    refused = order(*args).json
    assert list(refused)[0] == "override_reason"
    keys = [question["key"] for question in refused["questions"]]
    given = [{"key": key, "code": "other", "text": f"Reason {number}"} for number, key in enumerate(keys)]
    made = order(*args, reasons=given).json
    assert {each["key"]: each["text"] for each in made["questions"] if each["code"]} == {
        each["key"]: each["text"] for each in given
    }
    assert order(*args, reasons=[{"key": "x", "code": "other"}]).status_code == 400
    assert order(*args, reasons=[{"code": "other"}]).json["reasons"]
    two = order("amlodipine-10-mg-tablet", "10 mg x 5", "od").json
    assert "two frequencies" in two["frequency"][0]
    for dosage in ("25 tablets", "10", "500"):
        assert list(order("paracetamol-500-mg-tablet", dosage, "bd").json) == ["dosage", "code"], "nobody takes so many"
    scale = order(
        "insulin-soluble-100-units-ml-injection", "sliding scale", override_code="other", override_reason="Ketosis"
    )
    assert any("largest dose" in gap for gap in scale.json["could_not_check"])


KILLS = [
    ({"medication_name": "Vincristine 1 mg/mL", "dosage": "2 mg intrathecal"}, True),
    ({"medication_name": "vincristine", "dosage": "2 mg", "instructions": "give IT with methotrexate"}, True),
    ({"medication_name": "vincristine", "dosage": "2 mg", "route": "im"}, True),
    ({"medication_name": "vincristine", "dosage": "2 mg", "route": "iv", "instructions": "give intrathecally"}, True),
    ({"medication_name": "Oncovin 2 mg IT", "dosage": "2 mg"}, True),
    ({"medication_name": "vincristine", "dosage": "2 mg", "instructions": "voie intrathécale"}, True),
    ({"medication_name": "vincristine", "dosage": "2 mg", "route": "iv", "instructions": "never intrathecal"}, False),
    ({"medication_name": "vincristine", "dosage": "2 mg", "route": "iv", "instructions": "give it slowly"}, False),
    ({"medication_name": "KCl 15 %", "dosage": "10 mL", "instructions": "undiluted, slow push"}, True),
    ({"medication_name": "KCl 15 %", "dosage": "10 mL", "instructions": "in 1 L, never undiluted"}, False),
    ({"medication_name": "benzathine penicillin", "dosage": "1.8 g", "route": "iv"}, True),
    ({"medication_name": "benzathine penicillin", "dosage": "1.8 g", "route": "im"}, False),
]


def test_a_route_that_kills_is_refused_with_any_reason(program, encounter):
    client = program("doctor")
    for fields, is_refused in KILLS:
        body = {"encounter": encounter.id, "override_code": "no_alternative"} | fields
        answer = client.post("/api/prescriptions/", json=body)
        assert (answer.status_code == 400) == is_refused, (fields, answer.json)
        assert not is_refused or list(answer.json)[0] == "route", (fields, answer.json)


IMPOSSIBLE = [
    ({"route": "by drone"}, "route"),
    ({"dosage": "-1 tablet"}, "dosage"),
    ({"dosage": "take −2 tablets"}, "dosage"),
    ({"dosage": "0 mg"}, "dosage"),
    ({"dosage": "0,0 tablets"}, "dosage"),
]


@pytest.mark.parametrize(("fields", "field"), IMPOSSIBLE)
def test_an_impossible_amount_or_route_is_refused_also_for_unknown_medicines(program, encounter, fields, field):
    client = program("doctor")
    for named in ({"medication": medicine("amlodipine-10-mg-tablet").id}, {"medication_name": "Plugh"}):
        refused = client.post("/api/prescriptions/", json={"encounter": encounter.id} | named | fields)
        assert (refused.status_code, list(refused.json)) == (400, [field])


def test_the_page_refuses_the_route_at_its_field(desk, encounter):
    at = f"/encounters/{encounter.id}"
    refused = desk("doctor").form(at, rx="warfarin 5 mg", rx_dose="5 mg od iv", do="add_rx")
    assert refused.status_code == 400
    assert "cannot be given by this route" in refused.get_data(as_text=True)
    refused = desk("doctor").form(at, rx="Plugh", rx_dose="-1 tablet od", do="add_rx")
    assert refused.status_code == 400
    assert "above zero" in refused.get_data(as_text=True)
    fields = {"rx_dose": "", "rx_amount": "1½", "rx_unit": "tablet", "rx_frequency": "once_daily", "rx_days": "2"}
    desk("doctor").form(at, rx="amlodipine 5 mg tablet", **fields, do="add_rx")
    assert "1.5" in desk("doctor").get(at).get_data(as_text=True)


@pytest.mark.parametrize(("first", "second", "tier"), PAIRS)
def test_dangerous_pairs_are_stopped_and_say_what_to_do(program, encounter, first, second, tier):
    target = "/api/prescriptions/check_drug_interaction/"
    answer = program("doctor").post(target, json={"medications": [first, second]}).json
    assert [entry["severity"] for entry in answer["interactions"]] == [tier]
    assert ";" in answer["interactions"][0]["description"] or "choose" in answer["interactions"][0]["description"]


def test_a_pair_without_a_rule_is_not_called_safe(program, encounter):
    target = "/api/prescriptions/check_drug_interaction/"
    answer = program("doctor").post(target, json={"medications": ["amoxicillin", "amlodipine"]}).json
    assert answer["interactions"] == []
    assert [(pair["outcome"], pair["not_checked"]) for pair in answer["pairs"]] == [("clear", "")]
    assert "not known to be safe" not in answer["looked_up"], "a clear pair was looked at"
    answer = program("doctor").post(target, json={"medications": ["morphine", "levothyroxine"]}).json
    assert "not known to be safe" in answer["pairs"][0]["not_checked"]
    answer = program("doctor").post(target, json={"medications": ["Plugh", "Xyzzy"]}).json
    assert "no other medicine" not in answer["looked_up"] + answer["pairs"][0]["looked_up"]
    assert "Plugh, Xyzzy are not in the formulary. They were not" in answer["pairs"][0]["not_checked"]


def test_every_rule_names_known_substances_and_its_source():
    known = catalogue.load_knowledge()
    substances = {substance.name for substance in known.substances}
    for group in known.high_alert:
        assert group.substances <= substances
        assert group.classes <= set(known.class_by_code)
        assert group.source
    for limit in known.dose_limits:
        assert limit.ingredient in substances
        assert limit.most is not None or limit.most_per_kg is not None
        assert limit.source
