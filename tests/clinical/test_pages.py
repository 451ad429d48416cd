"""The encounter page and the vitals page, as a browser without JavaScript uses them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from hms.appointments.models import QueueEntry
from hms.billing.bills import issuing
from hms.billing.models import Bill
from hms.clinical import signing
from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.models import Condition, Encounter, Prescription, VitalsReading
from hms.clinical.prescriptions import actions as prescription_actions
from hms.clinical.vitals import actions as vitals_actions
from hms.core import clock
from hms.core.text.formatting import format_date
from hms.messages.models import Notification
from hms.patients.models import Patient
from hms.patients.records import actions as record_actions
from tests.clinical.factories import (
    a_patient,
    allergic,
    an_encounter,
    born,
    reasons,
    signed,
    some_codes,
    unsaved_texts,
    waiting,
)
from tests.formulary.factories import load
from tests.page import Page, words


@pytest.fixture
def opened(db, person):
    return an_encounter(person("doctor"), a_patient())


def at(encounter) -> str:
    return f"/encounters/{encounter.id}"


def text(answer) -> str:
    return words(answer.get_data(as_text=True))


def words_of(markup: str) -> str:
    """The text of a part of a page, with usual spaces."""
    return words(markup).replace("\u00a0", " ")


def keep(client, encounter, **sent):
    """Send a draft as the page's script does."""
    page = client.get(at(encounter)).get_data(as_text=True)
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)[1]
    return client.post(at(encounter) + "/draft", headers={"X-CSRFToken": token}, **sent)


def test_a_signed_visit_is_printed_and_its_follow_up_booked(desk, opened, person):
    doctor = person("doctor")
    soon = clock.today() + timedelta(days=3)
    texts = {
        "notes": "Fever since Monday",
        "plan": "Rest",
        "follow_up_on": soon,
        "no_diagnosis_reason": "waits for film",
    }
    encounter_actions.save_encounter(opened.id, **texts, by=doctor)
    assert "Not signed" in text(desk("nurse").get(f"{at(opened)}/summary"))
    signing.sign(opened.id, by=doctor)
    signed_page = Page(desk("doctor").get(at(opened)).get_data(as_text=True))
    booking = next(link for link in signed_page.links if link.startswith("/appointments/new"))
    form = desk("doctor").get(booking).get_data(as_text=True)
    assert f'name="patient" value="{opened.patient_id}"' in form or "KAMARA" in form
    assert format_date(soon) in form
    paper = text(desk("nurse").get(f"{at(opened)}/summary"))
    for part in (
        "KAMARA, Kadiatu",
        "Fever since Monday",
        "waits for film",
        "Rest",
        f"Follow-up date: {format_date(soon)}",
        "Signed by",
    ):
        assert part in paper
    assert desk("receptionist").get(f"{at(opened)}/summary").status_code == 403


def test_an_allergy_is_added_from_the_banner_and_leads_back(desk, opened):
    doctor = desk("doctor")
    page = Page(doctor.get(at(opened)).get_data(as_text=True))
    add = next(link for link in page.links if "/allergies?next=" in link)
    assert doctor.form(add, 1, substance="Penicillin", severity="severe").location == at(opened)
    assert "Penicillin" in text(doctor.get(at(opened)))
    away = f"/patients/{opened.patient_id}/allergies?next=//elsewhere.example"
    assert "elsewhere" not in doctor.form(away, substance="Aspirin").location
    assert "allergies?next" not in desk("pharmacist").get(f"/patients/{opened.patient_id}").get_data(as_text=True)


def test_a_whole_visit_without_javascript(desk, db):
    some_codes()
    load()
    entry = waiting(a_patient())
    nurse, doctor = desk("nurse"), desk("doctor")
    typed = {"temperature": "38.6", "blood_pressure": "118/76", "pulse": "96", "weight": "62", "height": "164"}
    assert nurse.form(f"/queue/{entry.id}/vitals", **typed).headers["Location"] == "/queue/"
    begun = doctor.form(f"/queue/{entry.id}/start")
    address = begun.headers["Location"]
    page = text(doctor.get(address))
    assert "38.6 °C" in page.replace("\u00a0", " ")
    assert "High" in page
    page = doctor.form(address, dx="malaria", look_up="dx", notes="Fever and chills")
    assert "Unspecified malaria (B54)" in text(page)
    doctor.form(address, dx="malaria", dx_code="B54", do="add_dx", notes="Fever and chills")
    choices = doctor.form(address, rx="paracetamol", look_up="rx")
    assert "four times a day" in text(choices)
    doctor.form(address, rx="paracetamol 500 mg", rx_dose="1 g tds pc 3/7", do="add_rx")
    doctor.form(address, rx="amlodipine 5 mg", rx_dose="5 mg od 30/7", rx_indication="blood pressure", do="add_rx")
    assert doctor.form(address, do="sign").status_code == 303
    encounter = db.session.scalars(select(Encounter)).one()
    assert (encounter.status, encounter.notes, encounter.diagnosis) == (
        "signed",
        "Fever and chills",
        "Unspecified malaria (B54)",
    )
    lines = db.session.scalars(select(Prescription).order_by(Prescription.id)).all()
    said = [(line.status, line.quantity, line.instructions, line.indication) for line in lines]
    assert said == [("active", 18, "after food", ""), ("active", 30, "", "blood pressure")]
    shows_what_a_medicine_is_for(text(doctor.get(address)), desk("pharmacist"), encounter.id)


def shows_what_a_medicine_is_for(signed_page, pharmacist, encounter_id):
    assert "Signed" in signed_page
    assert "for blood pressure" in signed_page
    assert "Given for: blood pressure" in text(pharmacist.get(f"/pharmacy/prescriptions/{encounter_id}"))


def test_the_page_is_bound_to_its_patient(desk, opened):
    answer = desk("doctor").get(at(opened))
    html = answer.get_data(as_text=True)
    assert "<title>Encounter of KAMARA" in html
    assert "Sign for KAMARA" in text(answer)
    assert html.index("Save draft") < html.index("Sign for KAMARA")


def test_a_changed_patient_id_saves_nothing(desk, opened, db):
    client = desk("doctor")
    assert client.form(at(opened), patient_id=opened.patient_id + 1, notes="wrong").status_code == 409
    assert client.form(at(opened), patient_id="", notes="wrong", do="sign").status_code == 409
    db.session.expire_all()
    assert (db.session.get(Encounter, opened.id).notes, opened.status) == ("", "in_progress")


def test_a_stale_page_shows_both_texts(desk, opened, person):
    client = desk("doctor")
    old = opened.version
    encounter_actions.save_encounter(opened.id, notes="Saved in the other room", by=person("doctor"))
    answer = client.form(at(opened), version=old, notes="Typed here")
    assert answer.status_code == 409
    assert "Saved in the other room" in text(answer)
    assert "Typed here" in answer.get_data(as_text=True)


def test_typed_text_is_restored_after_the_browser_was_closed(desk, opened, db, person):
    client = desk("doctor")
    kept = keep(client, opened, json={"notes": "Half a sentence", "dx": "mal", "evil": "x"})
    assert kept.json["saved_at"]
    page = desk("doctor").get(at(opened))
    assert "Half a sentence" in page.get_data(as_text=True)
    assert "is restored" in text(page)
    assert [unsaved.fields for unsaved in unsaved_texts(opened.id, person("doctor"))] == [
        {"notes": "Half a sentence", "dx": "mal"}
    ]
    client.form(at(opened), notes="A whole sentence", dx="")
    assert "is restored" not in text(client.get(at(opened)))
    assert opened.notes == "A whole sentence"


@pytest.mark.parametrize("body", ["", "[]", "5", "{"])
def test_a_wrong_draft_is_refused(desk, opened, body):
    answer = keep(desk("doctor"), opened, data=body, content_type="application/json")
    assert answer.status_code == 400


def test_a_medicine_being_typed_is_kept_when_a_diagnosis_is_added(desk, opened):
    client = desk("doctor")
    client.form(at(opened), dx="Fever", rx="para", notes="n", do="add_dx")
    html = client.get(at(opened)).get_data(as_text=True)
    assert 'value="para"' in html
    assert "Fever" in words(html)


def test_the_allergy_alert_has_the_same_text_as_in_the_api(desk, program, opened, db):
    load()
    allergic(db.session.get(Patient, opened.patient_id))
    client = desk("doctor")
    stopped = client.form(at(opened), rx="amoxicillin 500 mg", rx_dose="500 mg tds 5/7", do="add_rx", notes="kept")
    assert stopped.status_code == 400
    body = {"encounter": opened.id, "medication_name": "amoxicillin 500 mg", "dosage": "500 mg", "frequency": "tds"}
    message = program("doctor").post("/api/prescriptions/", json=body).json["override_reason"][0]
    assert message.split(" Say why")[0] in text(stopped)
    assert "kept" in stopped.get_data(as_text=True)
    assert "alert-stop" in stopped.get_data(as_text=True)
    answer = reasons(stopped.get_data(as_text=True), "no_alternative", "Nothing else in the house")
    again = client.form(at(opened), rx="amoxicillin 500 mg", rx_dose="500 mg tds 5/7", do="add_rx", **answer)
    assert again.status_code == 303
    assert "Nothing else in the house" in text(client.get(at(opened)))


def test_diagnoses_are_confirmed_made_primary_and_removed(desk, opened, db):
    client = desk("doctor")
    for name in ("Fever", "Cough"):
        client.form(at(opened), dx=name, do="add_dx")
    fever, cough = db.session.scalars(select(Condition).order_by(Condition.id)).all()
    client.form(at(opened), do=f"primary_dx:{cough.id}")
    client.form(at(opened), do=f"confirm_dx:{cough.id}")
    client.form(at(opened), do=f"remove_dx:{fever.id}")
    db.session.expire_all()
    assert (cough.rank, cough.certainty, fever.status) == (1, "confirmed", "entered_in_error")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"do": "add_dx"}, "Choose or enter a diagnosis"),
        ({"do": "add_rx"}, "Choose or enter the medicine"),
        ({"do": "add_rx", "rx": "honey", "rx_quantity": "many"}, "whole number"),
        ({"do": "add_rx", "rx_choice": "s:99999999999"}, "no longer available"),
        ({"do": "add_rx", "rx_choice": "m:99999999999"}, "does not exist"),
        ({"do": "sign"}, "Enter a note or a diagnosis"),
        ({"do": "sign", "notes": "n"}, "reason why there is none"),
        ({"do": "sign", "notes": "n", "rx": "begun"}, "before you sign"),
        ({"notes": "x" * 20_001}, "at most 20000"),
        ({"chief_complaint": "bell\x07"}, "cannot be displayed"),
        ({"follow_up_on": "32 13 2026"}, "day"),
        ({"follow_up_on": "yesterday"}, "at most two years ahead"),
    ],
)
def test_a_wrong_field_is_refused_and_typed_text_is_kept(desk, opened, typed, message):
    answer = desk("doctor").form(at(opened), **{"plan": "rest at home"} | typed)
    assert answer.status_code == 400
    assert message in text(answer)
    assert "rest at home" in answer.get_data(as_text=True)


@pytest.mark.parametrize("do", ["", "dance", "remove_dx:", "remove_dx:x", "remove_rx:99999999999999999999"])
def test_an_unknown_button_changes_nothing(desk, opened, do):
    assert desk("doctor").form(at(opened), do=do).status_code in (303, 404)


def test_a_signed_encounter_is_read_and_added_to(desk, person):
    encounter = signed(person("doctor"))
    nurse = desk("nurse")
    page = nurse.get(at(encounter))
    assert "Fever for two days." in text(page)
    assert "enc-form" not in page.get_data(as_text=True)
    assert nurse.form(at(encounter), text="Called: better").status_code == 303
    assert "Called: better" in text(nurse.get(at(encounter)))
    assert nurse.form(at(encounter), text=" ").status_code == 400


@pytest.mark.parametrize("role", ["receptionist", "pharmacist", "cashier", "lab"])
def test_other_roles_cannot_open_an_encounter(desk, opened, role):
    client = desk(role)
    assert client.get(at(opened)).status_code == 403
    assert client.get(f"{at(opened)}/vitals").status_code == 403


def test_a_colleagues_open_encounter_is_read_only(desk, opened):
    page = desk("nurse").get(at(opened))
    assert "Not signed yet" in text(page)
    assert desk("nurse").post(at(opened), data={}).status_code == 403


def test_alarming_vitals_need_one_confirmation(desk, db):
    entry = waiting(a_patient())
    client = desk("nurse")
    refused = client.form(f"/queue/{entry.id}/vitals", temperature="41.2", note="shivers")
    assert refused.status_code == 400
    assert "41.2" in text(refused).replace("\u00a0", " ")
    assert 'value="shivers"' in refused.get_data(as_text=True)
    assert db.session.scalars(select(VitalsReading)).all() == []
    sure = client.form(f"/queue/{entry.id}/vitals", temperature="41.2", note="shivers", is_confirmed="y")
    assert sure.status_code == 303


def test_impossible_vitals_are_refused_at_their_field(desk, db):
    entry = waiting(a_patient())
    answer = desk("nurse").form(f"/queue/{entry.id}/vitals", temperature="375", pulse="72")
    assert answer.status_code == 400
    assert "between 25 and 45" in text(answer).replace("\u00a0", " ")
    assert 'value="72"' in answer.get_data(as_text=True)


def test_saving_opens_the_next_patient_without_vitals(desk, db):
    first = waiting(a_patient())
    second = waiting(a_patient(given_names="Fatu", family_name="Sesay"))
    client = desk("nurse")
    assert client.form(f"/queue/{first.id}/vitals", weight="62").headers["Location"] == f"/queue/{second.id}/vitals"
    assert client.form(f"/queue/{second.id}/vitals", weight="62").headers["Location"] == "/queue/"


def test_own_vitals_are_corrected_on_a_page(desk, db, person):
    reading = vitals_actions.record_vitals(a_patient().id, weight="62", blood_pressure="120/80", by=person("nurse"))
    client = desk("nurse")
    assert 'value="120/80"' in client.get(f"/vitals/{reading.id}/correct").get_data(as_text=True)
    assert client.form(f"/vitals/{reading.id}/correct", weight="61").status_code == 400
    assert client.form(f"/vitals/{reading.id}/correct", weight="61", reason="typing error").status_code == 303
    assert desk("doctor").get(f"/vitals/{reading.id}/correct").status_code == 200


def test_the_board_shows_unusual_values_to_clinical_staff(desk, db, person):
    entry = waiting(a_patient())
    vitals_actions.record_vitals(entry.patient_id, queue_entry_id=entry.id, temperature="38.6", by=person("nurse"))
    assert "38.6" in text(desk("nurse").get("/queue/"))
    seen = text(desk("receptionist").get("/queue/"))
    assert "38.6" not in seen
    assert "Recorded" in seen


def test_the_options_under_the_fields(desk, db):
    some_codes()
    load()
    client = desk("doctor")
    assert "B54" in text(client.get("/clinical/diagnoses?q=mal"))
    assert "amoxicillin" in text(client.get("/clinical/medicines?q=amox"))
    for odd in ("q=%00", "q=" + "x" * 5000, "q=%25", "", "q=a&encounter=x"):
        assert client.get(f"/clinical/diagnoses?{odd}").status_code == 200
        assert client.get(f"/clinical/medicines?{odd}").status_code == 200
    assert desk("receptionist").get("/clinical/diagnoses?q=mal").status_code == 403


def test_the_page_needs_the_same_queries_for_a_long_history(desk, db, person):
    doctor = person("doctor")
    patient = a_patient()
    now = an_encounter(doctor, patient)
    client = desk("doctor")

    def visit() -> None:
        encounter = encounter_actions.start_encounter_with_texts(
            patient_id=patient.id, notes="n", diagnosis="d", by=doctor
        )
        prescription_actions.prescribe(
            encounter.id, medication_name="Honey", dosage="1 spoon", override_code="checked_by_hand", by=doctor
        )
        signing.sign(encounter.id, by=doctor)

    visit()
    client.get(at(now))
    few = client.get(at(now)).headers["X-Queries"]
    assert int(few) <= 14
    for _time in range(12):
        visit()
    client.get(at(now))
    assert client.get(at(now)).headers["X-Queries"] == few


def test_a_refused_addendum_is_corrected_and_sent_again_with_the_same_key(desk, db, person):
    """The page of the refused form is recorded in the audit trail; that must not use the one-time key of the form."""
    encounter = signed(person("doctor"))
    nurse, target = desk("nurse"), f"/encounters/{encounter.id}"
    form = next(
        f for f in Page(nurse.get(target).get_data(as_text=True)).forms if (f["action"] or "").endswith("/addenda")
    )
    assert nurse.post(form["action"], data=form["fields"] | {"text": ""}).status_code == 400
    assert nurse.post(form["action"], data=form["fields"] | {"text": "Called back."}).status_code == 303
    assert "Called back." in nurse.get(target).get_data(as_text=True)


def test_the_year_of_birth_stands_beside_the_sign_button_and_is_asked_for_plainly(desk, opened, db):
    waiting(a_patient())
    client = desk("doctor")
    page = client.get(at(opened)).get_data(as_text=True)
    assert "actionbar" in page.split('data-ux="birth-year"')[0].split("</section>")[-1]
    refused = client.form(at(opened), notes="Fever", no_diagnosis_reason="waits for film", do="sign")
    assert refused.status_code == 400
    assert "Enter the year of birth of this patient." in text(refused)
    assert "not the year of birth" not in text(refused)


def test_nobody_is_asked_for_a_year_of_birth_that_is_not_known(desk, db, person):
    encounter = an_encounter(person("doctor"), a_patient(birth_date=None))
    waiting(a_patient(birth_date=None))
    assert 'data-ux="birth-year"' not in desk("doctor").get(at(encounter)).get_data(as_text=True)


def test_a_long_encounter_has_links_to_its_sections_and_starts_in_the_note(desk, opened, person):
    doctor = desk("doctor")
    page = doctor.get(at(opened)).get_data(as_text=True)
    links = re.findall(r'href="#([a-z-]+)"', page.split("data-sections")[1].split("</nav>")[0])
    assert links == ["vitals", "note", "diagnosis", "prescriptions", "tests", "follow-up"]
    assert all(page.count(f' id="{link}"') == 1 for link in links)
    assert re.search(r'<textarea name="notes"[^>]* autofocus', page)
    refused = doctor.form(at(opened), notes="", do="sign").get_data(as_text=True)
    assert not re.search(r'<textarea name="notes"[^>]* autofocus', refused)
    signed_page = doctor.get(at(signed(person("doctor")))).get_data(as_text=True)
    links = re.findall(r'href="#([a-z-]+)"', signed_page.split("data-sections")[1].split("</nav>")[0])
    assert links == ["note", "diagnosis", "orders", "addenda"]
    assert all(signed_page.count(f' id="{link}"') == 1 for link in links)


def test_the_doses_offered_on_the_page_fit_the_recent_weight(desk, opened, db, person):
    load()
    nurse = person("nurse")
    old = clock.now() - timedelta(days=60)
    vitals_actions.record_vitals(opened.patient_id, weight="20", taken_at=old, is_confirmed=True, by=nurse)
    client = desk("doctor")

    def address() -> str:
        source = re.search(r'data-combobox="(/clinical/medicines[^"]*)"', client.get(at(opened)).get_data(as_text=True))
        return source[1].replace("&amp;", "&")

    assert address() == f"/clinical/medicines?encounter={opened.id}"
    unweighed = words_of(client.get(f"{address()}&q=artemether").get_data(as_text=True))
    assert ("25 to 34 kg" in unweighed, "35 kg and over" in unweighed) == (False, True)
    vitals_actions.record_vitals(opened.patient_id, weight="31", is_confirmed=True, by=nurse)
    offered = words_of(client.get(f"{address()}&q=artemether").get_data(as_text=True))
    assert ("25 to 34 kg" in offered, "35 kg and over" in offered) == (True, False)
    looked_up = client.form(at(opened), rx="artemether", look_up="rx").get_data(as_text=True)
    assert ("3 tablets" in words_of(looked_up), "4 tablets" in words_of(looked_up)) == (True, False)
    assert client.get("/clinical/medicines?q=amox&encounter=999999999").status_code == 404
    for odd in ("encounter=", "encounter=1e9", "encounter=-3", "encounter=" + "9" * 500, "encounter=%00"):
        assert client.get(f"/clinical/medicines?q=amox&{odd}").status_code == 200


def test_the_nurse_records_urgency_and_no_known_allergies(desk, db):
    entry = waiting(a_patient())
    client = desk("nurse")
    page = text(client.get(f"/queue/{entry.id}/vitals")).replace("\u00a0", " ")
    assert "Normal at this age: Temperature 36.1–38.0 °C" in page
    sent = client.form(f"/queue/{entry.id}/vitals", weight="62", priority="2", has_no_allergies="y", do="save")
    assert sent.status_code == 303
    db.session.expire_all()
    assert (entry.priority, db.session.get(Patient, entry.patient_id).allergy_status) == (2, "none_known")
    wrong = client.form(f"/queue/{entry.id}/vitals", weight="62", priority="9", do="save")
    assert wrong.status_code == 400
    assert len(db.session.scalars(select(VitalsReading)).all()) == 1


def test_an_infant_with_critical_values_is_marked_and_moved_up_in_the_queue(desk, db):
    adult = waiting(a_patient())
    infant = waiting(a_patient(given_names="Isha", birth_date=clock.today() - timedelta(150)))
    nurse = desk("nurse")
    values = {"temperature": "36.8", "pulse": "74", "respiratory_rate": "16", "priority": "3", "do": "save"}
    sent = nurse.form(f"/queue/{infant.id}/vitals", **values, is_confirmed="y")
    assert sent.status_code == 303
    db.session.expire_all()
    assert (infant.priority, adult.priority) == (2, 3)
    page = nurse.get("/queue/").get_data(as_text=True)
    rows = [row.split("</tr>")[0] for row in page.split('data-ux="queue-row"')[1:]]
    assert f'data-key="{infant.id}"' in rows[0]
    assert rows[0].count("flag--stop") == 2
    assert "Pulse 74 /min Critical low RR 16 /min Critical low" in words_of(rows[0])
    assert "Priority in the queue: Urgent." in words_of(page)
    # A priority that the nurse chooses stays, and a later critical value never lowers one.
    lowered = nurse.form(f"/queue/{infant.id}/vitals", **values | {"priority": "4"}, is_confirmed="y")
    assert (lowered.status_code, db.session.scalar(select(QueueEntry.priority).filter_by(id=infant.id))) == (303, 4)
    assert "Priority in the queue: Low." in words_of(nurse.get("/queue/").get_data(as_text=True))


def test_critical_values_recorded_elsewhere_move_a_waiting_patient_up(desk, db, person):
    patient = a_patient()
    entry, nurse = waiting(patient, priority=4), person("nurse")
    yesterday = clock.now() - timedelta(days=1)
    vitals_actions.record_vitals(patient.id, pulse="190", taken_at=yesterday, is_confirmed=True, by=nurse)
    vitals_actions.record_vitals(patient.id, temperature="38.6", weight="62", by=nurse)
    assert entry.priority == 4
    assert desk("nurse").form(f"/patients/{patient.id}/vitals", pulse="190", is_confirmed="y").status_code == 303
    assert db.session.scalar(select(QueueEntry.priority).filter_by(id=entry.id)) == 2
    high = {"respiratory_rate": "25", "oxygen_saturation": "91", "blood_pressure": "120/70", "pulse": "91"}
    high |= {"temperature": "38.5", "on_oxygen": True, "consciousness": "alert"}
    vitals_actions.record_vitals(patient.id, **high, is_confirmed=True, by=nurse)
    assert entry.priority == 1


@pytest.mark.parametrize(
    ("years", "values", "note"),
    [
        (35, {"weight": "62"}, "Recorded"),
        (35, {"weight": "62", "pulse": "72", "pain": "2"}, "Normal: Pulse, Pain"),
        (None, {"pulse": "72"}, "Recorded"),
    ],
)
def test_only_values_with_a_range_are_called_normal(desk, db, person, years, values, note):
    entry = waiting(a_patient(birth_date=born(years) if years else None))
    vitals_actions.record_vitals(entry.patient_id, queue_entry_id=entry.id, **values, by=person("nurse"))
    row = desk("nurse").get("/queue/").get_data(as_text=True).split('data-ux="queue-row"')[1]
    assert note in words_of(row)
    assert note.startswith("Normal") == ("ormal" in words_of(row))


def test_the_doctor_is_called_without_losing_what_is_typed(desk, db, person):
    entry = waiting(a_patient())
    client = desk("nurse")
    unsure = client.form(f"/queue/{entry.id}/vitals", pulse="72", do="call")
    assert (unsure.status_code, "Choose the reason for calling the doctor" in text(unsure)) == (400, True)
    called = client.form(f"/queue/{entry.id}/vitals", pulse="190x", call_reason="breathing", do="call")
    assert called.status_code == 200
    assert 'value="190x"' in called.get_data(as_text=True)
    notification = db.session.scalars(select(Notification).where(Notification.user_id == person("doctor").id)).one()
    assert f"token {entry.token}" in notification.title
    assert "Kamara" not in notification.title + notification.message
    assert db.session.scalars(select(VitalsReading)).all() == []


@pytest.mark.security("B")
def test_visits_of_a_withdrawn_record_are_read_only_for_those_who_may_see_it(desk, program, person, db):
    visit = signed(person("doctor"))
    bill = db.session.scalars(select(Bill).filter_by(patient_id=visit.patient_id)).one()
    issuing.discard_draft(bill.id, reason="registered twice", by=person("admin"))
    record_actions.withdraw_patient(visit.patient_id, reason="registered twice", by=person("admin"))
    page = words(desk("admin").get(f"/encounters/{visit.id}").get_data(as_text=True))
    assert "Withdrawn record" in page
    assert "Add addendum" not in page
    assert "Book follow-up" not in page
    for path in (f"/encounters/{visit.id}", f"/encounters/{visit.id}/summary"):
        assert desk("doctor").get(path).status_code == 404
    assert desk("doctor").post(f"/encounters/{visit.id}/addenda", data={"text": "Late"}).status_code in (400, 404)
    statuses = [program(role).get(f"/api/encounters/{visit.id}/").status_code for role in ("admin", "doctor")]
    assert statuses == [200, 404]
    listed = program("doctor").get(f"/api/encounters/?patient={visit.patient_id}").get_json()
    assert listed == []
