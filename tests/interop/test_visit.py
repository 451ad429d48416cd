"""Patients of a real export: found by search, checked for allergies, with new visits."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest
from sqlalchemy import func, select

from hms.appointments.availability import queries as diary
from hms.appointments.bookings import actions as booking_actions
from hms.appointments.queue import transitions
from hms.clinical import signing
from hms.clinical.diagnoses import actions as diagnosis_actions
from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.models import Condition, Encounter, Immunization, Prescription
from hms.clinical.prescriptions import actions as prescription_actions
from hms.clinical.prescriptions import patient_context
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.errors import Conflict, RuleBroken
from hms.core.person import SYSTEM
from hms.patients.models import Allergy, Patient
from hms.patients.search import queries as patients
from hms.pharmacy.dispensing import actions as pharmacy
from hms.pharmacy.dispensing import queries as shelf
from tests.appointments import factories as clinic
from tests.formulary.factories import load
from tests.interop.factories import HAND_MADE, REAL, fingerprints, imported

SOURCE = REAL if REAL.is_dir() else HAND_MADE
SOME = (b"a5cb8ce9-cec6-6b23-0990-cbaf753578a4", b"cbc86e51-9eca-3855-76ec-c058f72c5761") if SOURCE == REAL else ()
FOR_ALL = ("Practitioner", "README")
KEPT = {"Encounter": Encounter, "Condition": Condition, "MedicationRequest": Prescription, "Immunization": Immunization}


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(SOURCE, tmp_path / "export", copy_function=shutil.copyfile)
    (tmp_path / "export").chmod(0o755)
    return tmp_path / "export"


@pytest.fixture
def brought_in(db, copy):
    """A few people of the export with everything about them, and every practitioner."""
    for path in copy.iterdir():
        if path.name.startswith(FOR_ALL):
            continue
        kept = [
            line for line in path.read_bytes().splitlines(keepends=True) if not SOME or any(one in line for one in SOME)
        ]
        path.write_bytes(b"".join(kept))
    return imported(copy)


def anyone(*conditions):
    """An imported patient who is alive."""
    query = select(Patient).where(Patient.deceased_on.is_(None), Patient.external_id.is_not(None), *conditions)
    return database.session.scalars(query.order_by(Patient.id)).first()


def allergic_to(word):
    return anyone(Patient.id.in_(select(Allergy.patient_id).where(Allergy.substance.ilike(f"%{word}%"))))


@pytest.fixture
def allergic(brought_in):
    """A patient and a medicine to which the patient is allergic."""
    load()
    found = allergic_to("aspirin")
    return (
        (found, "acetylsalicylic acid 300 mg tablet")
        if found
        else (allergic_to("penicillin"), "amoxicillin 500 mg capsule")
    )


def test_every_line_of_a_kind_that_is_kept_is_kept_and_a_second_import_changes_nothing(db, copy):
    summary, _ = imported(copy)
    for name, model in KEPT.items():
        rows = database.session.scalar(select(func.count()).select_from(model))
        assert rows == summary.counts[name]["created"] > 0
    if SOURCE == REAL:
        lines = {path.name.split(".")[0]: len(path.read_bytes().splitlines()) for path in REAL.glob("*.ndjson")}
        created = {name: counts["created"] for name, counts in summary.counts.items() if counts}
        assert created == {name: count for name, count in lines.items() if name in summary.counts}
    before = fingerprints()
    again, _ = imported(copy)
    assert fingerprints() == before
    assert {name for counts in again.counts.values() for name, n in counts.items() if n} <= {"unchanged", "skipped"}


def test_its_people_are_found_by_name_birth_date_and_number(brought_in, person):
    who = anyone()
    for text in (who.family_name[:5] or who.given_names[:5], who.birth_date.isoformat(), who.hospital_number):
        assert who.id in [hit.id for hit in patients.search_patients(text, who=person("receptionist"))], text


def test_a_recorded_allergy_stops_prescribing(allergic, person):
    patient, medicine = allergic
    doctor = person("doctor")
    visit = encounter_actions.start_encounter(patient_id=patient.id, by=doctor)
    with pytest.raises(RuleBroken) as stopped:
        prescription_actions.prescribe(
            visit.id, medication_name=medicine, dosage="1 tablet", frequency="once a day", by=doctor
        )
    assert stopped.value.field == "override_reason"
    assert "Allergy recorded" in str(stopped.value)


def _give(order):
    with action_context("tests.dispense", SYSTEM):
        order.quantity_dispensed = 1


def test_what_is_taken_already_counts_as_taken_but_never_waits_at_the_pharmacy(brought_in, person):
    active = list(database.session.scalars(select(Prescription).where(Prescription.status == "active")))
    assert active
    assert active[0].id in {order.id for order in patient_context.current_prescriptions(active[0].patient_id)}
    assert shelf.counts()["waiting"] == 0
    assert {shelf.counts()[heading] for heading in shelf.SHOWN} == {0}
    assert [visit for heading in shelf.SHOWN for visit in shelf.waiting(heading, who=SYSTEM)] == []
    assert shelf.visits([(order.encounter_id, order.patient_id) for order in active], who=SYSTEM) == []
    with pytest.raises(Conflict) as refused:
        pharmacy.dispense(active[0].id, 1, by=person("pharmacist"))
    assert refused.value.code == "prescribed_elsewhere"


def test_the_database_itself_refuses_to_dispense_what_was_prescribed_elsewhere(brought_in):
    order = database.session.scalars(select(Prescription).where(Prescription.status == "active")).first()
    with pytest.raises(RuleBroken, match="prescribed elsewhere"):
        _give(order)


def test_a_new_visit_is_made_from_booking_to_signing(brought_in, person):
    patient, doctor = anyone(), clinic.doctor()
    clinic.hours(doctor.id)
    slot = diary.list_free_slots(doctor.id, clinic.MONDAY)[0]
    booking = booking_actions.book(
        patient_id=patient.id, doctor_id=doctor.id, date=clinic.MONDAY, time=slot.time, by=person("receptionist")
    )
    assert booking.patient_id == patient.id
    entry = transitions.add_to_queue(patient.id, by=person("receptionist"))
    visit = encounter_actions.start_encounter(queue_entry_id=entry.id, by=person("doctor"))
    encounter_actions.save_encounter(visit.id, notes="Well.", by=person("doctor"))
    diagnosis_actions.add_condition(visit.id, text="Check-up", by=person("doctor"))
    assert signing.sign(visit.id, by=person("doctor")).signed_at <= clock.now()


def test_visits_keep_the_instant_whatever_their_zone(brought_in):
    first = database.session.scalars(select(Encounter).order_by(Encounter.started_at)).first()
    assert first.started_at.utcoffset() == dt.timedelta(0)
    assert first.status == "signed"
