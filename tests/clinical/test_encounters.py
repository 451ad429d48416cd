"""Start, write, sign and withdraw encounters; addenda."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from hms.appointments.models import QueueEntry
from hms.billing.bills import issuing
from hms.billing.corrections import actions as correction_actions
from hms.billing.models import BillLine, Correction
from hms.clinical import signing, withdrawal
from hms.clinical.diagnoses import actions as diagnosis_actions
from hms.clinical.diagnoses import codes
from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.encounters import drafts
from hms.clinical.models import Condition, DiagnosisCode, Encounter, VitalsReading
from hms.clinical.prescriptions import actions as prescription_actions
from hms.clinical.vitals import actions as vitals_actions
from hms.core.actions import action_context
from hms.core.errors import Conflict, NotAllowed, RuleBroken, StaleVersion
from hms.core.person import SYSTEM
from tests.billing import factories as billing_factories
from tests.clinical.factories import a_patient, an_encounter, signed, some_codes, waiting


def test_starting_from_the_queue_sets_the_entry_in_service(db, person):
    entry = waiting(a_patient())
    vitals_actions.record_vitals(entry.patient_id, queue_entry_id=entry.id, temperature="38.6", by=person("nurse"))
    encounter = encounter_actions.start_encounter(queue_entry_id=entry.id, by=person("doctor"))
    again = encounter_actions.start_encounter(queue_entry_id=entry.id, by=person("doctor"))
    assert again.id == encounter.id
    assert db.session.get(QueueEntry, entry.id).status == "in_service"
    assert db.session.scalars(select(VitalsReading.encounter_id)).one() == encounter.id


def test_starting_from_the_chart_finds_the_queue_entry(db, person):
    entry = waiting(a_patient())
    encounter = encounter_actions.start_encounter(patient_id=entry.patient_id, by=person("doctor"))
    assert encounter.queue_entry_id == entry.id


def test_starting_twice_without_a_queue_is_one_encounter(db, person):
    patient = a_patient()
    first = encounter_actions.start_encounter(patient_id=patient.id, by=person("doctor"))
    assert encounter_actions.start_encounter(patient_id=patient.id, by=person("doctor")).id == first.id


@pytest.mark.parametrize("role", ["nurse", "receptionist", "pharmacist", "cashier", "lab", "admin"])
def test_only_doctors_write(db, person, role):
    patient = a_patient()
    with pytest.raises(NotAllowed):
        encounter_actions.start_encounter(patient_id=patient.id, by=person(role))


def test_saving_increments_the_version(db, person):
    doctor = person("doctor")
    encounter = an_encounter(doctor)
    before = encounter.version
    saved = encounter_actions.save_encounter(encounter.id, version=before, notes=" Cough \r\nsince Monday ", by=doctor)
    assert saved.notes == "Cough \nsince Monday"
    assert saved.version == before + 1


def test_an_old_version_another_patient_and_another_doctor_are_refused(db, person):
    encounter = an_encounter(person("doctor"), notes="mine")
    with pytest.raises(StaleVersion):
        encounter_actions.save_encounter(
            encounter.id, version=encounter.version - 1, notes="theirs", by=person("doctor")
        )
    with pytest.raises(Conflict, match="another patient"):
        encounter_actions.save_encounter(
            encounter.id, patient_id=encounter.patient_id + 1, notes="theirs", by=person("doctor")
        )
    with pytest.raises(NotAllowed):
        encounter_actions.save_encounter(encounter.id, notes="theirs", by=SYSTEM)
    assert db.session.get(Encounter, encounter.id).notes == "mine"


def test_diagnoses_are_coded_or_text_and_the_first_is_primary(db, person):
    some_codes()
    doctor = person("doctor")
    encounter = an_encounter(doctor)
    malaria = diagnosis_actions.add_condition(encounter.id, code="b54", by=doctor)
    words = diagnosis_actions.add_condition(encounter.id, text="Tired of waiting", certainty="confirmed", by=doctor)
    assert (malaria.title, malaria.code_system) == ("Unspecified malaria", "http://hl7.org/fhir/sid/icd-10")
    assert (words.code, words.rank) == ("", 2)
    assert encounter.diagnosis == "Unspecified malaria (B54); Tired of waiting"
    diagnosis_actions.make_primary(words.id, by=doctor)
    assert encounter.diagnosis == "Tired of waiting; Unspecified malaria (B54)"
    diagnosis_actions.remove_condition(words.id, by=doctor)
    assert (encounter.diagnosis, malaria.rank) == ("Unspecified malaria (B54)", 1)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"text": "   "},
        {"code": "Z99.Z"},
        {"code": "Q99.9"},
        {"text": "x" * 256},
        {"text": "bad\x07"},
        {"text": "Fever", "certainty": "sure"},
    ],
)
def test_a_wrong_diagnosis_is_refused(db, person, fields):
    encounter = an_encounter(person("doctor"))
    with pytest.raises(RuleBroken):
        diagnosis_actions.add_condition(encounter.id, **fields, by=person("doctor"))


def test_the_same_diagnosis_twice_is_refused(db, person):
    some_codes()
    encounter = an_encounter(person("doctor"))
    diagnosis_actions.add_condition(encounter.id, code="B54", by=person("doctor"))
    with pytest.raises(RuleBroken, match="twice"):
        diagnosis_actions.add_condition(encounter.id, text="B54", by=person("doctor"))


def test_a_diagnosis_is_found_by_code_words_and_abbreviation(db, person):
    some_codes()
    assert codes.find_codes("b50").rows[0].code == "B50.9"
    assert codes.find_codes("falciparum malaria").rows[0].code == "B50.9"
    assert codes.find_codes("mal").rows[0].code == "B54"
    assert codes.find_codes("htn").rows[0].code == "I10"
    found = [codes.find_codes(text).rows[0].code for text in ("malarya", "malaria", "falsiparum malaria")]
    assert found == ["B54", "B54", "B50.9"], "as the corrected word"
    assert codes.find_codes("hipertension").rows[0].code == "I10"
    assert codes.find_codes("fracture").rows == [], "no code of these is spelled almost like that"
    assert [codes.find_codes(text).rows for text in ("zz", "", "%", "x")] == [[]] * 4


def test_a_misspelt_diagnosis_is_ranked_as_the_corrected_word(db, desk):
    rows = [("J18.9", "Pneumonia, unspecified organism", "j18.9 j189 pneumonia pneumonia unspecified organism ")]
    rows += [(f"A40.{n}", "Sepsis", f"a40.{n} a40{n} sepsis due to streptococcus pneumoniae ") for n in range(12)]
    with action_context("tests.codes", SYSTEM):
        db.session.add_all(DiagnosisCode(code=c, title=t, search_text=s, is_leaf=True) for c, t, s in rows)
    assert codes.find_codes("pneumonia").rows[0].code == "J18.9"
    found = codes.find_codes("pnemonia")
    assert (found.rows[0].code, found.is_similar, codes.find_codes("pneumonia").is_similar) == ("J18.9", True, False)
    page = desk("doctor").get("/clinical/diagnoses?q=pnemonia").get_data(as_text=True)
    assert "Similar spelling" in page


def test_often_used_codes_come_first(db, person):
    some_codes()
    doctor = person("doctor")
    assert [entry.code for entry in codes.find_codes("unspecified").rows][0] == "B50.9"
    diagnosis_actions.add_condition(an_encounter(doctor).id, code="J06.9", by=doctor)
    db.session.expire_all()
    assert "J06.9" in [entry.code for entry in codes.find_codes("acute infection").rows]
    assert codes.find_codes("respiratory").rows[0].use_count == 1


def test_signing_updates_every_desk_in_one_transaction(db, person):
    doctor = person("doctor")
    entry = waiting(a_patient())
    encounter = encounter_actions.start_encounter(queue_entry_id=entry.id, by=doctor)
    encounter_actions.save_encounter(encounter.id, notes="Fever", by=doctor)
    diagnosis_actions.add_condition(encounter.id, text="Fever", by=doctor)
    line = prescription_actions.prescribe(
        encounter.id, medication_name="Honey", dosage="1 spoon", frequency="at night", by=doctor
    )
    signing.sign(encounter.id, override_code="checked_by_hand", by=doctor)
    assert (encounter.status, encounter.signed_by_id) == ("signed", doctor.id)
    assert line.status == "active"
    assert line.signed_at == encounter.signed_at
    assert db.session.get(QueueEntry, entry.id).status == "done"
    charge = db.session.scalars(select(BillLine).filter_by(source="encounter", source_id=encounter.id)).one()
    assert charge.quantity == 1


def test_a_refused_signature_changes_nothing(db, person):
    doctor = person("doctor")
    encounter = an_encounter(doctor)
    with pytest.raises(RuleBroken, match="note or a diagnosis"):
        signing.sign(encounter.id, by=doctor)
    assert db.session.scalars(select(BillLine)).all() == []


def test_no_diagnosis_needs_a_reason(db, person):
    doctor = person("doctor")
    encounter = an_encounter(doctor, notes="Came for a certificate.")
    with pytest.raises(RuleBroken) as refused:
        signing.sign(encounter.id, by=doctor)
    assert refused.value.field == "no_diagnosis_reason"
    assert signing.sign(encounter.id, no_diagnosis_reason="Certificate only", by=doctor).status == "signed"


def test_a_diagnosis_sent_as_text_becomes_a_condition(db, person):
    doctor = person("doctor")
    encounter = an_encounter(doctor, notes="n", diagnosis="Malaria\nand more")
    signing.sign(encounter.id, by=doctor)
    assert db.session.scalars(select(Condition.title)).one() == "Malaria"


def test_the_database_refuses_changes_of_a_signed_encounter(db, person):
    doctor = person("doctor")
    encounter = signed(doctor)
    for change in (
        lambda: encounter_actions.save_encounter(encounter.id, notes="other", by=doctor),
        lambda: diagnosis_actions.add_condition(encounter.id, text="Other", by=doctor),
        lambda: signing.sign(encounter.id, by=doctor),
    ):
        with pytest.raises(Conflict):
            change()
    with pytest.raises(DBAPIError, match="final"), db.session.begin_nested():
        db.session.execute(text("UPDATE encounter SET notes = 'other' WHERE id = :id"), {"id": encounter.id})
    with pytest.raises(DBAPIError, match="permanent"), db.session.begin_nested():
        db.session.execute(text("DELETE FROM encounter WHERE id = :id"), {"id": encounter.id})


def test_addenda_are_added_to_signed_encounters_only(db, person):
    open_one = an_encounter(person("doctor"))
    with pytest.raises(RuleBroken, match="still a draft"):
        encounter_actions.add_addendum(open_one.id, text="More", by=person("nurse"))
    encounter = signed(person("doctor"), a_patient(given_names="Fatu", family_name="Sesay"))
    added = encounter_actions.add_addendum(encounter.id, text="Called back: better.", by=person("nurse"))
    assert added.author_id == person("nurse").id
    with pytest.raises(RuleBroken):
        encounter_actions.add_addendum(encounter.id, text=" ", by=person("nurse"))
    with pytest.raises(DBAPIError, match="permanent"), db.session.begin_nested():
        db.session.execute(text("UPDATE addendum SET text = 'x'"))


def test_the_same_name_in_the_queue_asks_for_the_year_of_birth(db, person):
    doctor = person("doctor")
    patient = a_patient()
    encounter = an_encounter(doctor, patient, notes="n", no_diagnosis_reason="check")
    assert not signing.must_ask_birth_year(patient, doctor)
    twin = a_patient(phone="+23276000001", overridden_match_id=patient.id)
    waiting(twin)
    assert signing.must_ask_birth_year(patient, doctor)
    with pytest.raises(RuleBroken) as refused:
        signing.sign(encounter.id, birth_year="1950", by=doctor)
    assert refused.value.field == "birth_year"
    signing.sign(encounter.id, birth_year=str(patient.birth_date.year), by=doctor)


def test_unsaved_work_on_another_patient_asks_for_the_year_of_birth(db, person):
    doctor = person("doctor")
    other = an_encounter(doctor, a_patient(given_names="Fatu", family_name="Sesay"))
    drafts.save(other.id, doctor, {"notes": "half"}, drafts.PageState("page"))
    patient = a_patient()
    an_encounter(doctor, patient)
    assert signing.must_ask_birth_year(patient, doctor)


def test_an_administrator_withdraws_what_was_entered_in_error(db, person):
    encounter = signed(person("doctor"))
    with pytest.raises(NotAllowed):
        withdrawal.withdraw_encounter(encounter.id, by=person("doctor"))
    assert withdrawal.withdraw_encounter(encounter.id, by=person("admin")).status == "entered_in_error"


def _charges(db, encounter):
    lines = select(BillLine).filter_by(source="encounter", source_id=encounter.id, withdrawn_at=None)
    return [(line.bill_id, str(line.amount)) for line in db.session.scalars(lines)]


def test_an_encounter_entered_in_error_leaves_the_draft_bill_and_is_restored_as_it_was(db, person):
    doctor, admin = person("doctor"), person("admin")
    opened = an_encounter(doctor, notes="Fever")
    diagnosis_actions.add_condition(opened.id, text="Fever", by=doctor)
    ordered = {"dosage": "1 spoon", "frequency": "at night"}
    line = prescription_actions.prescribe(opened.id, medication_name="Honey", **ordered, by=doctor)
    wrong = prescription_actions.prescribe(opened.id, medication_name="Ginger", **ordered, by=doctor)
    signing.sign(opened.id, override_code="checked_by_hand", by=doctor)
    withdrawal.withdraw_prescription(wrong.id, by=admin)
    charges = _charges(db, opened)
    assert charges
    withdrawal.withdraw_encounter(opened.id, by=admin)
    assert (_charges(db, opened), line.status) == ([], "entered_in_error")
    with pytest.raises(NotAllowed):
        withdrawal.restore_encounter(opened.id, by=doctor)
    withdrawal.restore_encounter(opened.id, by=admin)
    assert (opened.status, line.status, wrong.status) == ("signed", "active", "entered_in_error")
    assert _charges(db, opened) == charges


def test_an_encounter_is_not_restored_beside_the_one_that_replaced_it(db, person):
    doctor, admin = person("doctor"), person("admin")
    entry = waiting(a_patient())
    first = encounter_actions.start_encounter(queue_entry_id=entry.id, by=doctor)
    withdrawal.withdraw_encounter(first.id, by=admin)
    encounter_actions.start_encounter(queue_entry_id=entry.id, by=doctor)
    with pytest.raises(Conflict, match="already has an encounter"):
        withdrawal.restore_encounter(first.id, by=admin)


def test_an_encounter_whose_consultation_was_credited_is_not_restored(db, person):
    doctor, admin = person("doctor"), person("admin")
    billing_factories.price()
    encounter = signed(doctor)
    ((bill_id, _amount),) = _charges(db, encounter)
    issuing.issue(bill_id, by=person("cashier"))
    withdrawal.withdraw_encounter(encounter.id, by=admin)
    with pytest.raises(Conflict, match="waits for approval"):
        withdrawal.restore_encounter(encounter.id, by=admin)
    request = db.session.scalars(select(Correction)).one()
    correction_actions.approve(request.id, by=person("cashier"))
    with pytest.raises(Conflict, match="was credited"):
        withdrawal.restore_encounter(encounter.id, by=admin)
