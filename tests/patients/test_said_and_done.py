"""Messages of success of the patients' desk say what the rows say, and no more."""

from __future__ import annotations

from sqlalchemy import select

from hms.core import clock
from hms.core.db.session import db as database
from hms.core.drafts import Draft
from hms.patients.models import Allergy, Patient
from tests.clinical.factories import an_encounter
from tests.page import said
from tests.patients.factories import a_patient

ISATU = {"first_name": "Isatu", "last_name": "Bangura", "gender": "female", "date_of_birth": "13 3 1991"}


def _fresh(patient: Patient) -> Patient:
    return database.session.get(Patient, patient.id, populate_existing=True)


def test_each_message_of_registration_is_about_a_row(desk, db):
    at = desk("receptionist")
    shown = said(at, "/patients/new", "/patients/new", **ISATU, then="chart")
    patient = database.session.scalars(select(Patient).filter_by(family_name="Bangura")).one()
    assert f"Registered with hospital number {patient.hospital_number}." in shown
    assert at.form("/patients/new", first_name="Fatu", last_name="Unfinished").status_code == 400
    assert len(database.session.scalars(select(Draft)).all()) == 1
    assert "Unfinished registration discarded." in said(at, "/patients/new", "/discard")
    assert database.session.scalars(select(Draft)).all() == []
    assert "Details saved." in said(at, f"/patients/{patient.id}/edit", "/edit", address="7 Kissy Road")
    assert _fresh(patient).address == "7 Kissy Road"


def test_each_message_about_allergies_is_about_a_row(desk, db):
    patient, nurse = a_patient(), desk("nurse")
    page = f"/patients/{patient.id}/allergies"
    assert "No known allergies, asked today." in said(nurse, page, "/none")
    asked = _fresh(patient)
    assert (asked.allergy_status, clock.local(asked.allergy_status_at).date()) == ("none_known", clock.today())
    assert "Penicillin recorded." in said(nurse, page, "/allergies", substance="Penicillin", severity="severe")
    allergy = database.session.scalars(select(Allergy)).one()
    assert (allergy.substance, allergy.status) == ("Penicillin", "active")
    assert "Penicillin marked as entered in error." in said(nurse, page, "/withdraw")
    database.session.expire_all()
    assert database.session.scalars(select(Allergy.status)).all() == ["entered_in_error"]


def test_each_message_about_the_record_is_about_a_row(desk, person):
    patient, admin, doctor = a_patient(), desk("admin"), desk("doctor")
    an_encounter(person("doctor"), patient)
    chart = f"/patients/{patient.id}"
    assert "Record restricted." in said(doctor, f"{chart}/restrict", "/restrict", reason="Works in this hospital")
    assert _fresh(patient).is_restricted
    assert "Restriction removed." in said(doctor, f"{chart}/restrict", "/restrict", reason="No longer needed here")
    assert not _fresh(patient).is_restricted
    patient = a_patient()
    chart = f"/patients/{patient.id}"
    assert "Record withdrawn." in said(admin, f"{chart}/withdraw", "/withdraw", reason="registered twice")
    assert _fresh(patient).status == "withdrawn"
    assert "Record restored." in said(admin, chart, "/restore")
    assert _fresh(patient).status == "active"
