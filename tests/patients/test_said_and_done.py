"""Messages of success of the patients' desk say what the rows say, and no more."""

from __future__ import annotations

import datetime as dt
from io import BytesIO

from PIL import Image
from sqlalchemy import select

from hms.appointments.models import Appointment
from hms.core import clock
from hms.core.db.session import db as database
from hms.core.drafts import Draft
from hms.patients.duplicates import jobs as duplicate_jobs
from hms.patients.merging import actions as merge_actions
from hms.patients.models import (
    AddressArea,
    Allergy,
    Consent,
    ConsentKind,
    ConsentText,
    Death,
    DuplicatePair,
    OtherPhone,
    Patient,
    PatientMerge,
    RecordDocument,
    Relative,
)
from tests.clinical.factories import an_encounter
from tests.house.hospital import add
from tests.page import Page, said, words
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


def test_each_message_about_a_death_is_about_rows(desk, db):
    patient, doctor, clerk, cause = a_patient(), desk("doctor"), desk("receptionist"), "Canarycause"
    page, chart = f"/patients/{patient.id}/death", f"/patients/{patient.id}"
    assert clerk.get(page).status_code == 403
    for typed in (
        {},
        {"died_on": "1 1 1980"},
        {"died_on": "1 1 2090"},
        {"died_on": "yesterday", "is_day_unknown": "y"},
    ):
        assert doctor.form(page, **typed).status_code == 400, typed
    shown = said(doctor, page, "/death", died_on="1 1 2026", place="At home", cause=cause)
    assert "Death recorded. Open bookings are cancelled without a message." in shown
    assert [(row.status, row.cause) for row in database.session.scalars(select(Death))] == [("recorded", cause)]
    assert _fresh(patient).deceased_on == dt.date(2026, 1, 1)
    assert cause in doctor.get(chart).text
    assert ("01-Jan-2026" in clerk.get(chart).text, cause in clerk.get(chart).text) == (True, False)
    assert doctor.form(page, died_on="2 1 2026", place="Ward", cause=cause).status_code == 400  # no reason
    corrected = said(doctor, page, "/death", died_on="2 1 2026", place="Ward", cause="Malaria", reason="Certificate")
    assert "Record of the death corrected." in corrected
    assert _fresh(patient).deceased_on == dt.date(2026, 1, 2)
    back = said(doctor, f"{page}/take-back", "/take-back", reason="Wrong patient")
    assert "Death taken back. Bookings that were cancelled stay cancelled." in back
    database.session.expire_all()
    rows = [(row.status, row.reason, row.cause) for row in database.session.scalars(select(Death))]
    assert (rows, _fresh(patient).has_died) == ([("taken_back", "Wrong patient", "Malaria")], False)


def test_each_message_about_phones_and_relatives_is_about_a_row(desk, db):
    patient, sister, clerk = a_patient(), a_patient(), desk("receptionist")
    page = f"/patients/{patient.id}/contacts"
    assert clerk.form(f"{page}", number="").status_code == 400
    assert "Phone saved." in said(clerk, page, "/phones", number="076 555 111", owner="work", label="Shop")
    phone = database.session.scalars(select(OtherPhone)).one()
    assert (phone.number, phone.owner, phone.label) == ("+23276555111", "work", "Shop")
    assert "Phone saved." in said(clerk, f"{page}?phone={phone.id}", "/phones", label="Market")
    kin = {"name": "Aminata", "relation": "sibling", "record": sister.hospital_number}
    assert "Next of kin saved." in said(clerk, page, "/relatives", **kin)
    database.session.expire_all()
    relative = database.session.scalars(select(Relative)).one()
    assert (phone.label, relative.name, relative.record_id) == ("Market", "Aminata", sister.id)
    assert "Removed from the next of kin." in said(clerk, page, f"/relatives/{relative.id}/remove")
    assert "Phone removed." in said(clerk, page, f"/phones/{phone.id}/remove")
    assert [database.session.scalars(select(one)).all() for one in (OtherPhone, Relative)] == [[], []]


def test_each_message_about_consent_is_about_a_row(desk, db):
    admin, clerk, patient = desk("admin"), desk("receptionist"), a_patient()
    texts, page = "/patients/consent-texts", f"/patients/{patient.id}/consents"
    assert "Kind of consent added. Write its text." in said(admin, texts, texts, name="Treatment")
    kind = database.session.scalars(select(ConsentKind)).one()
    of_kind = f"{texts}/{kind.id}"
    written = {"language": "en", "title": "Treatment", "body": "I agree to be treated."}
    assert "Version 1 saved. It is used from now on." in said(admin, of_kind, "/texts", **written)
    assert "Kind of consent saved." in said(admin, of_kind, of_kind, name="Treatments")
    text = database.session.scalars(select(ConsentText)).one()
    assert (text.number, kind.name, "Never asked" in clerk.get(page).text) == (1, "Treatments", True)
    typed = {"text": str(text.id), "decision": "given", "decided_on": "today", "decided_by": "patient"}
    assert clerk.send(page, **typed | {"decided_on": "1 1 2090"}).status_code == 400
    assert "Consent recorded: Given." in said(clerk, page, "/consents", **typed)
    row = database.session.scalars(select(Consent)).one()
    one = f"{page}/{row.id}"
    shown = said(clerk, one, "/withdraw", ended_on="today", withdrawn_why="Changed her mind")
    assert "Withdrawal of the consent recorded." in shown
    database.session.refresh(row)
    assert (row.status, row.reason) == ("withdrawn", "Changed her mind")
    assert "Consent marked as entered in error." in said(clerk, one, "/error", reason="Another patient")
    database.session.refresh(row)
    assert (row.status, "Never asked" in clerk.get(page).text) == ("entered_in_error", True)


def test_the_message_about_areas_is_about_rows(desk, db):
    admin, page = desk("admin"), "/patients/address-areas"
    checked = admin.form(page, file=(BytesIO(b"Region,District\nSouth,Bo\n"), "areas.csv"))
    assert (checked.status_code, database.session.scalars(select(AddressArea)).all()) == (200, [])
    token = next(form for form in Page(checked.text).forms if form["action"].endswith("/load"))["fields"]
    loaded = admin.post(f"{page}/load", data=token, follow_redirects=True)
    assert "Areas loaded: 2 are offered now." in words(loaded.text)
    assert database.session.scalars(select(AddressArea.path)).all() == ["South", "South > Bo"]


def test_each_message_about_documents_is_about_a_row(desk, db):
    clerk, patient = desk("receptionist"), a_patient()
    page, shown = f"/patients/{patient.id}/files", {"category": "identity", "title": "Passport"}
    assert clerk.form(page, **shown, file=(BytesIO(b"<html>"), "a.pdf")).status_code == 400
    added = said(clerk, page, "/files", **shown, file=(BytesIO(b"%PDF-1.4"), "a.txt"))
    assert "Document added: Passport." in added
    row = database.session.scalars(select(RecordDocument)).one()
    assert (row.content, row.mimetype, row.title) == (b"%PDF-1.4", "application/pdf", "Passport")
    sent = clerk.get(f"{page}/{row.id}/content").headers
    assert sent["Content-Disposition"].startswith("attachment"), "a PDF is saved, not opened as a part of this site"
    assert "sandbox" in sent["Content-Security-Policy"]
    marked = said(clerk, f"{page}/{row.id}", f"/files/{row.id}", reason="Another patient")
    assert "Document marked as entered in error." in marked
    made = BytesIO()
    assert clerk.form(page, **shown, camera=(BytesIO(b"GIF89a"), "a.jpg")).status_code == 400
    Image.new("RGB", (9, 9)).save(made, "PNG")
    assert "Photo saved." in said(clerk, page, "/photo", file=(BytesIO(made.getvalue()), "a.png"))
    assert "banner__photo" in clerk.get(f"/patients/{patient.id}").text
    removed = said(clerk, f"/patients/{patient.id}/photo/error", "/photo/error", reason="Another patient")
    assert "Photo marked as entered in error." in removed
    database.session.expire_all()
    assert database.session.scalars(select(RecordDocument.status)).all() == ["entered_in_error"] * 2
    assert "banner__photo" not in clerk.get(f"/patients/{patient.id}").text


SENT = "Request sent. A colleague with the right to merge decides."


def _waiting() -> PatientMerge:
    return database.session.scalars(select(PatientMerge).filter_by(status="waiting")).one()


def test_each_message_about_a_merge_is_about_a_row(desk, db):
    """From the chart to the decision, on pages only: the requester and the approver, refusals too."""
    kept, gone = a_patient(), a_patient(sex="male")
    clerk, admin, start = desk("receptionist"), desk("admin"), f"/patients/{kept.id}/merge"
    for number in ("Kamara", kept.hospital_number, "HMS-999999-0"):
        assert "merge-start" in clerk.get(f"{start}?number={number}").text, number
    compare, typed = f"{start}?number={gone.hospital_number}", {"reason": "Registered twice", "choice_name": "merged"}
    refused = clerk.form(compare, **typed)
    assert (refused.status_code, "confirm the difference" in refused.text) == (400, True)
    typed["confirm_sex"] = "y"
    assert SENT in said(clerk, compare, start, **typed)
    request = _waiting()
    assert (request.merged_id, request.choices["name"]) == (gone.id, "merged")
    assert "waits for approval already" in words(clerk.form(compare, **typed).text)
    assert "Request withdrawn." in said(clerk, f"/patients/merges/{request.id}", "/withdraw")
    assert SENT in said(clerk, compare, start, **typed)
    decline = f"/patients/merges/{_waiting().id}/decline"
    assert "Request declined." in said(admin, decline, "/decline", reason="Two people")
    assert SENT in said(clerk, compare, start, **typed)
    assert "Merges to decide" in words(admin.get("/").text)
    assert gone.hospital_number in admin.get("/patients/merges").text
    approve = f"/patients/merges/{_waiting().id}/approve"
    assert admin.form(approve, typed_number=kept.hospital_number).status_code == 400
    assert _fresh(gone).status == "active"
    assert "Records merged." in said(admin, approve, "/approve", typed_number=gone.hospital_number.lower())
    assert (_fresh(gone).merged_into_id, _fresh(kept).family_name) == (kept.id, _fresh(gone).family_name)


def test_each_message_about_a_separation_is_about_a_row(desk, person):
    kept, gone = a_patient(), a_patient()
    asked = merge_actions.request_merge(kept.id, gone.id, reason="Twice", by=person("receptionist"))
    merge_actions.approve(asked.id, by=person("admin"))
    booked = {"doctor_id": person("doctor").id, "date": clock.today(), "time": dt.time(9), "duration_minutes": 5}
    later = add(Appointment(patient_id=kept.id, **booked))
    clerk, admin, page = desk("receptionist"), desk("admin"), f"/patients/merges/{asked.id}/separate"
    assert f"appointment:{later.id}" in clerk.get(page).text
    assert clerk.form(page, reason="Two people", row="bill:x").status_code == 400
    assert SENT in said(clerk, page, "/separate", reason="Two people", row=f"appointment:{later.id}")
    approve = f"/patients/merges/{_waiting().id}/approve"
    assert "Records separated." in said(admin, approve, "/approve", typed_number=gone.hospital_number)
    database.session.expire_all()
    assert (_fresh(gone).status, later.patient_id) == ("active", gone.id)
    for show in ("waiting", "own", "decided"):
        assert clerk.get(f"/patients/merges?show={show}").status_code == 200
    assert clerk.get(page).status_code == 400


def test_each_message_about_a_pair_is_about_its_row(desk, db):
    for _nth in range(2):
        a_patient(given_names="Mariama", family_name="Conteh")
    duplicate_jobs.compare_pending()
    pair, clerk = database.session.scalars(select(DuplicatePair)).one(), desk("receptionist")
    page = f"/patients/duplicates/{pair.id}"
    assert "Noted: two people. This pair is not offered again." in said(clerk, page, reason="Twins")
    database.session.refresh(pair)
    assert (pair.status, pair.reason) == ("dismissed", "Twins")
    assert "The pair is in the list again." in said(clerk, page, reason="One person")
    database.session.refresh(pair)
    assert (pair.status, pair.reason) == ("open", "One person")
