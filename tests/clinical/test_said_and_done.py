"""Messages of success of the clinical pages and the laboratory say what the rows say, and no more."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from hms.appointments.bookings.actions import book
from hms.appointments.models import QueueEntry
from hms.appointments.visit_types import actions as visit_types
from hms.billing.models import Bill, BillLine
from hms.billing.payments.actions import take_payment
from hms.clinical.encounters.actions import start_encounter
from hms.clinical.issued_documents.actions import issue_document
from hms.clinical.models import (
    Condition,
    Encounter,
    IssuedDocument,
    NoteTemplate,
    Prescription,
    SaturationScale,
    VitalsReading,
)
from hms.core import clock
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.lab import actions as lab_actions
from hms.lab.models import LabResult
from hms.messages.models import Notification
from hms.patients.models import Patient
from tests.billing.factories import price
from tests.clinical.factories import a_patient, an_encounter, signed, waiting
from tests.formulary.factories import load
from tests.page import said

NOTE = {"notes": "Fever", "no_diagnosis_reason": "Waits for the film"}
TEMPLATE = {"shortcut": "uri", "title": "Cold", "content": "Runny nose", "belongs_to": "own"}


def _prescriptions(status: str) -> list[Prescription]:
    database.session.expire_all()
    return list(database.session.scalars(select(Prescription).filter_by(status=status)))


def _consultations(encounter: Encounter) -> int:
    lines = select(BillLine).filter_by(source="encounter", source_id=encounter.id, withdrawn_at=None)
    return len(database.session.scalars(lines).all())


def test_a_signature_says_what_went_to_pharmacy_and_bill(desk, person, db):
    load()
    doctor, at = person("doctor"), desk("doctor")
    without = an_encounter(doctor, a_patient())
    shown = said(at, f"/encounters/{without.id}", **NOTE, do="sign")
    assert "Signed. The consultation was added to the bill." in shown
    assert "pharmacy" not in shown.partition("Signed.")[2].partition("bill.")[0]
    assert (_prescriptions("active"), _consultations(without)) == ([], 1)
    treated = an_encounter(doctor, a_patient(given_names="Isatu"))
    page = f"/encounters/{treated.id}"
    said(at, page, rx="amlodipine 5 mg", rx_dose="5 mg od 30/7", do="add_rx")
    shown = said(at, page, **NOTE, do="sign")
    assert "Signed. The prescription was sent to the pharmacy and the consultation was added to the bill." in shown
    assert [line.encounter_id for line in _prescriptions("active")] == [treated.id]
    assert _consultations(treated) == 1
    again = an_encounter(doctor, database.session.get(Patient, treated.patient_id))
    line = _prescriptions("active")[0]
    shown = said(at, f"/encounters/{again.id}", to=f"/prescriptions/{line.id}/repeat")
    assert "Added to this encounter and checked again. Nothing is prescribed until you sign." in shown
    assert [(row.encounter_id, row.medication_id) for row in _prescriptions("draft")] == [
        (again.id, line.medication_id)
    ]


def test_a_signature_says_that_a_follow_up_is_free(desk, person, db):
    load()
    price()
    settings.change_setting("billing.follow_up_days", 14, by=SYSTEM)
    settings.change_setting("billing.follow_up_visits", 2, by=SYSTEM)
    settings.clear_cache()
    doctor, at = person("doctor"), desk("doctor")
    values = {"name": "Follow-up", "mark": "F", "colour": "teal", "minutes": 10, "is_follow_up": True}
    visit_type = visit_types.save_visit_type(**values, by=person("admin"))
    paid = signed(doctor)
    bill = database.session.scalars(select(Bill)).one()
    take_payment(bill.id, bill.total, "Cash", by=SYSTEM)
    when = {"doctor_id": doctor.id, "date": clock.today(), "visit_type_id": visit_type.id, "by": SYSTEM}
    pages = []
    for hour in (10, 11):
        booking = book(patient_id=paid.patient_id, time=dt.time(hour), **when)
        encounter = start_encounter(patient_id=paid.patient_id, appointment_id=booking.id, is_new=True, by=doctor)
        pages.append((encounter, f"/encounters/{encounter.id}"))
    shown = said(at, pages[0][1], **NOTE, do="sign")
    assert "Signed. The visit is a free follow-up: nothing is to pay for it." in shown
    said(at, pages[1][1], rx="amlodipine 5 mg", rx_dose="5 mg od 30/7", do="add_rx")
    shown = said(at, pages[1][1], **NOTE, do="sign")
    assert "Signed. The prescription was sent to the pharmacy. The visit is a free follow-up." in shown
    assert len(_prescriptions("active")) == 1
    for encounter, _page in pages:
        line = database.session.scalars(select(BillLine).filter_by(source_id=encounter.id, source="encounter")).one()
        assert (line.amount.value, line.free_of_line_id is None) == (0, False)


def test_sign_and_next_says_who_is_called(desk, person, db):
    doctor, at = person("doctor"), desk("doctor")
    first, second = (an_encounter(doctor, a_patient(given_names=name)) for name in ("Adama", "Bintu"))
    entry = waiting(a_patient(given_names="Sia"))
    shown = said(at, f"/encounters/{first.id}", **NOTE, do="sign_next")
    called = database.session.get(QueueEntry, entry.id, populate_existing=True)
    assert f"Signed. Token {called.token} is called." in shown
    assert called.status == "called"
    assert "Signed. Nobody is waiting." in said(at, f"/encounters/{second.id}", **NOTE, do="sign_next")
    database.session.expire_all()
    assert {first.status, second.status} == {"signed"}


def test_each_message_about_vitals_is_about_a_row(desk, person, db):
    nurse = desk("nurse")
    patient = a_patient()
    assert "Vitals of KAMARA, Kadiatu saved." in said(nurse, f"/patients/{patient.id}/vitals", pulse="72")
    assert database.session.scalars(select(VitalsReading.pulse)).all() == [72]
    entry = waiting(a_patient(given_names="Sia"))
    page = f"/queue/{entry.id}/vitals"
    typed = nurse.form(page, do="call", call_reason="looks_ill", pulse="30")
    doctors = database.session.scalars(select(Notification).filter_by(kind="urgent")).all()
    assert len(doctors) == 1
    assert "The doctor was sent an alert. The values on this page are not saved yet." in " ".join(
        typed.get_data(as_text=True).split()
    )
    assert database.session.scalars(select(VitalsReading.pulse)).all() == [72]


def test_each_message_about_note_templates_is_about_a_row(desk, db):
    for role, place in (("doctor", "/note-templates"), ("admin", "/note-templates/hospital")):
        at = desk(role)
        assert "Template ;uri saved." in said(at, f"{place}/new", **TEMPLATE)
        row = database.session.scalars(select(NoteTemplate).filter_by(is_active=True)).one()
        assert (row.shortcut, row.content) == ("uri", "Runny nose")
        assert "Template withdrawn." in said(at, f"{place}/{row.id}", to=f"{place}/{row.id}/withdraw")
        database.session.expire_all()
        assert not row.is_active


def test_a_result_says_how_much_of_the_test_is_saved(desk, person, db):
    order = lab_actions.order_test(an_encounter(person("doctor"), a_patient()).id, code="FBC", by=person("doctor"))
    at, page = desk("lab"), f"/lab/orders/{order.id}"
    assert "Full blood count: 1 of 6 results saved." in said(at, page, value_HB="12.5")
    assert (order.status, database.session.scalars(select(LabResult.code)).all()) == ("waiting", ["HB"])
    rest = {"WBC": "6", "NEUT": "4", "LYMPH": "2", "PLT": "250", "MCV": "88"}
    assert "Full blood count saved." in said(at, page, **{f"value_{code}": text for code, text in rest.items()})
    database.session.expire_all()
    assert (order.status, len(database.session.scalars(select(LabResult.id)).all())) == ("done", 6)


def test_a_document_that_is_withdrawn_counts_no_more(desk, person, db):
    visit = signed(person("doctor"), a_patient())
    document = issue_document(visit.id, kind="visit_summary", by=person("doctor"))
    page = f"/issued-documents/{document.id}"
    done = said(desk("doctor"), page, f"{page}/withdraw")
    assert "The document was withdrawn. Its code is not valid any more." in done
    assert database.session.get(IssuedDocument, document.id, populate_existing=True).status == "entered_in_error"


def test_a_problem_that_is_listed_is_a_row(desk, db):
    patient, page = a_patient(), "/patients/{}/problems"
    assert "Gout is on the problem list." in said(desk("doctor"), page.format(patient.id), "/problems", text="Gout")
    row = database.session.scalars(select(Condition).filter_by(is_problem=True)).one()
    assert (row.title, row.patient_id, row.clinical_status) == ("Gout", patient.id, "active")


def test_the_scale_of_a_patient_is_the_one_that_the_message_names(desk, person, db):
    patient = a_patient()
    shown = said(desk("doctor"), f"/patients/{patient.id}/saturation", scale="2", reason="COPD")
    assert "SpO₂ scale 2 is used from now on." in shown
    (row,) = database.session.scalars(select(SaturationScale)).all()
    assert (row.patient_id, row.scale, row.ordered_by_id) == (patient.id, 2, person("doctor").id)
