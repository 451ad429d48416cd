"""Copy forward: items are ticked by the doctor, checked again, and copied notes name their source."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from hms.clinical import signing
from hms.clinical.diagnoses import actions as diagnosis_actions
from hms.clinical.diagnoses import queries as diagnosis_queries
from hms.clinical.models import Condition, Encounter, Prescription
from hms.clinical.prescriptions import actions as prescription_actions
from hms.core.actions import action_context
from hms.core.person import SYSTEM
from hms.formulary.dosing import shorthand
from tests.clinical.factories import a_patient, allergic, an_encounter, signed, some_codes
from tests.formulary.factories import load, medicine
from tests.page import words

AMOXICILLIN, AMLODIPINE = "amoxicillin-500-mg-capsule", "amlodipine-5-mg-tablet"


def a_visit(doctor, patient) -> Encounter:
    """A signed visit with a coded diagnosis, two medicines and a note of two lines."""
    encounter = an_encounter(doctor, patient, notes="Headache.\nPressure 160/95.")
    diagnosis_actions.add_condition(encounter.id, code="I10", certainty="confirmed", by=doctor)
    for key, dose in ((AMLODIPINE, "5 mg od 30/7 po"), (AMOXICILLIN, "500 mg tds 30/7 po")):
        prescription_actions.prescribe(
            encounter.id, medication_id=medicine(key).id, dose=shorthand.parse_shorthand(dose), by=doctor
        )
    return signing.sign(encounter.id, by=doctor)


@pytest.fixture
def earlier(db, person):
    load()
    some_codes()
    return a_visit(person("doctor"), a_patient())


@pytest.fixture
def opened(earlier, person):
    return an_encounter(person("doctor"), db_patient(earlier), notes="Better.")


def db_patient(encounter):
    from hms.patients import lookup as patients

    return patients.patient(encounter.patient_id)


def at(encounter) -> str:
    return f"/encounters/{encounter.id}"


def ids(earlier, db) -> dict[str, int]:
    query = select(Prescription.id, Prescription.medication_id).where(Prescription.encounter_id == earlier.id)
    lines = {medication_id: id_ for id_, medication_id in db.session.execute(query)}
    problem = db.session.scalars(select(Condition.id).where(Condition.encounter_id == earlier.id)).one()
    return {"amlodipine": lines[medicine(AMLODIPINE).id], "amoxicillin": lines[medicine(AMOXICILLIN).id], "dx": problem}


def test_an_earlier_medicine_is_repeated_from_the_chart(desk, earlier, db, person):
    line, patient = ids(earlier, db)["amlodipine"], earlier.patient_id
    doctor = desk("doctor")
    page = doctor.get(f"/patients/{patient}/medicines").get_data(as_text=True)
    assert f"/prescriptions/{line}/repeat" in page
    assert "/repeat" not in desk("nurse").get(f"/patients/{patient}/medicines").get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    gone_on = doctor.post(f"/prescriptions/{line}/repeat", data={"csrf_token": token}).location
    again = db.session.scalars(select(Prescription).where(Prescription.status == "draft")).one()
    assert (again.medication_id, gone_on) == (
        medicine(AMLODIPINE).id,
        f"/encounters/{again.encounter_id}#prescriptions",
    )


def test_a_medicine_with_a_serious_alert_is_not_repeated(desk, opened, earlier, db):
    allergic(db_patient(earlier))
    doctor, line = desk("doctor"), ids(earlier, db)["amoxicillin"]
    assert f'value="repeat_rx:{line}"' in doctor.get(at(opened)).get_data(as_text=True)
    doctor.form(at(opened), do=f"repeat_rx:{line}")
    page = words(doctor.get(at(opened)).get_data(as_text=True))
    assert "was not copied" in page
    assert db.session.scalars(select(Prescription).where(Prescription.encounter_id == opened.id)).all() == []


def test_nothing_is_ticked_at_first(desk, opened):
    html = desk("doctor").get(at(opened)).get_data(as_text=True)
    ticks = re.findall(r"<input[^>]+name=\"copy_[^>]+>", html)
    assert len(ticks) == 4
    assert not [tick for tick in ticks if "checked" in tick]


def test_problems_to_copy_show_what_is_known_of_their_onset(desk, earlier, opened, db):
    known = {"patient_id": earlier.patient_id, "clinical_status": "active", "certainty": "confirmed"}
    with action_context("tests.import", SYSTEM):
        db.session.add(Condition(title="Asthma", onset_text="as a child", external_id="condition-1", **known))
        db.session.add(Condition(title="Old scar", external_id="condition-2", **known))
        db.session.add(Condition(title="No allergies", is_absence=True, external_id="condition-3", **known))
    problems = diagnosis_queries.conditions_and_problems(earlier.patient_id, 0)[1]
    assert [problem.title for problem in problems][1:] == ["Old scar", "Asthma"]
    html = desk("doctor").get(at(opened)).get_data(as_text=True)
    labels = [words(label) for label in re.findall(r"<label[^>]*>(<input[^>]+copy_dx.*?)</label>", html, re.DOTALL)]
    assert [label.split(" since ")[0] for label in labels[1:]] == ["Old scar", "Asthma as a child"]


def test_ticked_items_are_copied(desk, earlier, opened, db):
    known, client = ids(earlier, db), desk("doctor")
    ticked = {"copy_rx": known["amlodipine"], "copy_dx": known["dx"], "copy_note": earlier.id}
    assert client.form(at(opened), notes="Better today.", do="copy", **ticked).status_code == 303
    db.session.expire_all()
    line = db.session.scalars(select(Prescription).where(Prescription.encounter_id == opened.id)).one()
    assert (line.medication_id, line.status, line.quantity) == (medicine(AMLODIPINE).id, "draft", 30)
    condition = db.session.scalars(select(Condition).where(Condition.encounter_id == opened.id)).one()
    assert (condition.code, condition.certainty) == ("I10", "confirmed")
    note = db.session.get(Encounter, opened.id).notes
    assert note.startswith("Better today.\n\n[Copied from the visit of ")
    assert "\n> Headache.\n> Pressure 160/95.\n[End of the copy]" in note
    shown = words(client.get(at(opened)).get_data(as_text=True))
    assert "amoxicillin" in shown
    assert 'name="copy_dx"' not in client.get(at(opened)).get_data(as_text=True)


def test_a_medicine_with_a_serious_alert_is_not_copied(desk, earlier, opened, db):
    allergic(db_patient(opened))
    known, client = ids(earlier, db), desk("doctor")
    client.form(at(opened), do="copy", copy_rx=[known["amlodipine"], known["amoxicillin"]])
    page = words(client.get(at(opened)).get_data(as_text=True))
    assert "amoxicillin 500 mg capsule was not copied. Allergy recorded" in page
    written = db.session.scalars(select(Prescription.medication_id).where(Prescription.encounter_id == opened.id)).all()
    assert written == [medicine(AMLODIPINE).id]


def test_a_withdrawn_medicine_is_not_copied(desk, earlier, opened, db):
    known, client = ids(earlier, db), desk("doctor")
    with action_context("tests.withdraw", SYSTEM):
        medicine(AMLODIPINE).is_active = False
    client.form(at(opened), do="copy", copy_rx=known["amlodipine"])
    assert "no longer in the formulary" in words(client.get(at(opened)).get_data(as_text=True))


def test_records_of_another_patient_are_not_copied(desk, opened, person, db):
    other = signed(person("doctor"), a_patient(given_names="Fatu", family_name="Sesay"))
    problem = db.session.scalars(select(Condition.id).where(Condition.encounter_id == other.id)).one()
    desk("doctor").form(at(opened), do="copy", copy_note=other.id, copy_dx=problem)
    db.session.expire_all()
    assert db.session.get(Encounter, opened.id).notes == "Better."
    assert db.session.scalars(select(Condition).where(Condition.encounter_id == opened.id)).all() == []


@pytest.mark.parametrize("ticked", [{}, {"copy_rx": "x"}, {"copy_note": "9" * 30}])
def test_wrong_ticks_are_refused_and_typed_text_is_kept(desk, opened, ticked):
    answer = desk("doctor").form(at(opened), do="copy", plan="rest", **ticked)
    assert answer.status_code == 400
    assert ">rest</textarea>" in answer.get_data(as_text=True).replace("\r\n", "").replace("\n", "")


def test_a_copy_that_makes_the_note_too_long_changes_nothing(desk, earlier, opened, db):
    answer = desk("doctor").form(at(opened), notes="x" * 19_980, do="copy", copy_note=earlier.id)
    assert answer.status_code == 400
    db.session.expire_all()
    assert db.session.get(Encounter, opened.id).notes == "Better."
