"""Documents that are handed out after a visit: what they say, who may issue them, and the code on them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from hms.clinical import signing
from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.issued_documents import actions, rules
from hms.clinical.models import Condition, IssuedDocument
from hms.clinical.prescriptions import actions as prescription_actions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.errors import Conflict, NotAllowed, RuleBroken
from hms.core.person import SYSTEM
from hms.lab import actions as lab_actions
from hms.patients.access import actions as access
from tests.clinical.factories import a_patient, an_encounter
from tests.formulary.factories import load
from tests.page import words

LETTER = {
    "kind": "referral_letter",
    "addressee": "Connaught Hospital, eye clinic",
    "body": "Please see <b>both</b> eyes.",
}


@pytest.fixture
def visit(db, person):
    """A signed encounter with a diagnosis."""
    encounter = an_encounter(person("doctor"), a_patient())
    with action_context("tests.seed", SYSTEM):
        db.session.add(Condition(patient_id=encounter.patient_id, encounter_id=encounter.id, title="Cataract"))
        db.session.commit()
    encounter_actions.save_encounter(encounter.id, notes="Blurred vision", by=person("doctor"))
    signing.sign(encounter.id, by=person("doctor"))
    return encounter


def text(answer) -> str:
    return words(answer.get_data(as_text=True)).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("K7QD-2MXR-9VTB", "K7QD-2MXR-9VTB"),
        (" k7qd 2mxr9vtb", "K7QD-2MXR-9VTB"),
        ("K7QD-2MXR-9VT", ""),
        ("K7QD-2MXR-9VTB1", ""),
        ("K7QD_2MXR_9VTB", ""),
        ("", ""),
    ],
)
def test_a_code_is_read_as_people_type_it(typed, code):
    assert rules.read_code(typed) == code
    assert rules.read_code(rules.make_code())


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("", "5 dec 2026", "from_on"),
        ("1 dec 2026", "", "until_on"),
        ("2 dec", "5 dec", "from_on"),
        ("30 nov 2026", "29 nov 2026", "until_on"),
        ("25 nov 2026", "24 nov", "until_on"),
        ("30 nov 2026", "1 jun 2027", "until_on"),
        ("soon", "5 dec 2026", "from_on"),
    ],
)
def test_sick_leave_has_two_days_in_order(first, last, field):
    with pytest.raises(RuleBroken) as refusal:
        rules.check_words(
            rules.IssuedKind.SICK_NOTE,
            addressee="",
            body="",
            from_on=first,
            until_on=last,
            shows_diagnosis=False,
            today=date(2026, 11, 30),
        )
    assert refusal.value.field == field


def test_a_letter_is_issued_printed_checked_and_withdrawn(desk, visit, person):
    doctor = desk("doctor")
    assert "Documents" in text(doctor.get(f"/encounters/{visit.id}"))
    refused = doctor.send(f"/encounters/{visit.id}/documents/referral_letter", addressee="", body="Please see.")
    assert refused.status_code == 400
    assert "Enter who the letter is for" in text(refused)
    assert "Please see." in refused.get_data(as_text=True)
    issued = doctor.send(f"/encounters/{visit.id}/documents/referral_letter", **LETTER)
    sheet = doctor.get(issued.location)
    assert "<b>both</b>" not in sheet.get_data(as_text=True)
    for part in ("Connaught Hospital, eye clinic", "Please see <b>both</b> eyes.", "Cataract", "Withdraw"):
        assert part in text(sheet)
    row = database.session.scalars(select(IssuedDocument)).one()
    assert row.code in text(sheet)
    clerk = desk("receptionist")
    assert clerk.get(issued.location).status_code == 403
    known = clerk.send("/issued-documents/check", code=row.code.lower().replace("-", " "))
    assert "Issued here, and valid" in text(known)
    assert "Cataract" not in text(known)
    unknown = clerk.send("/issued-documents/check", code="AAAA-AAAA-AAAA")
    assert unknown.status_code == 400
    assert "No document has this code" in text(unknown)
    assert "Withdraw" not in text(desk("nurse").get(issued.location))
    doctor.send(f"{issued.location}/withdraw")
    assert "withdrawn: it is not valid" in text(clerk.send("/issued-documents/check", code=row.code))
    assert "this document is not valid" in text(doctor.get(issued.location))


def test_a_sick_note_says_the_days_and_the_diagnosis_only_when_asked(desk, visit):
    doctor, today = desk("doctor"), clock.today()
    days = {"from_on": "t", "until_on": "+2d"}
    plain = doctor.send(f"/encounters/{visit.id}/documents/sick_note", **days)
    sheet = text(doctor.get(plain.location))
    assert "(3 days)" in sheet
    assert "Cataract" not in sheet
    named = doctor.send(f"/encounters/{visit.id}/documents/sick_note", shows_diagnosis="y", **days)
    assert "Cataract" in text(doctor.get(named.location))
    rows = database.session.scalars(select(IssuedDocument)).all()
    assert {(row.from_on, row.until_on) for row in rows} == {(today, today + timedelta(days=2))}


def test_the_summary_has_the_tests_and_the_prescription_the_medicines_that_were_not_stopped(desk, db, person):
    load()
    doctor, at = person("doctor"), desk("doctor")
    visit = an_encounter(doctor, a_patient(), notes="Seen")
    lab_actions.order_test(visit.id, code="FBC", by=doctor)
    kept, stopped = (
        prescription_actions.prescribe(visit.id, medication_name=name, dosage=dose, frequency="od", by=doctor)
        for name, dose in (("paracetamol 500 mg tablet", "500 mg"), ("amlodipine 5 mg tablet", "5 mg"))
    )
    signing.sign(visit.id, no_diagnosis_reason="Waits for the film", by=doctor)
    prescription_actions.stop_prescription(stopped.id, text="Swollen legs", by=doctor)
    summary = actions.issue_document(visit.id, kind="visit_summary", by=doctor)
    assert "Full blood count" in text(at.get(f"/issued-documents/{summary.id}"))
    printed = text(at.get(at.send(f"/encounters/{visit.id}/documents/prescription").location))
    assert ("paracetamol" in printed, "amlodipine" in printed.lower()) == (True, False)
    assert kept.status == "active"


def test_nothing_is_issued_of_a_visit_that_may_change_or_has_no_medicine(db, desk, visit, person):
    doctor = person("doctor")
    draft = an_encounter(doctor, a_patient())
    with pytest.raises(Conflict):
        actions.issue_document(draft.id, **LETTER, by=doctor)
    with pytest.raises(Conflict):
        actions.issue_document(visit.id, kind="prescription", by=doctor)
    with pytest.raises(NotAllowed):
        actions.issue_document(visit.id, **LETTER, by=person("nurse"))
    code = {"code": rules.make_code(), "language": "en", "issued_by_id": doctor.id}
    with pytest.raises(Conflict):
        _write(IssuedDocument(encounter_id=draft.id, kind="visit_summary", **code), doctor)
    issued = actions.issue_document(visit.id, **LETTER, by=doctor)
    issued.body = "Another text"
    with pytest.raises(Conflict):
        _write(issued, doctor)


def _write(document, who):
    """Past the action: the database alone refuses it."""
    with action_context("tests.seed", who):
        database.session.add(document)
        database.session.flush()


def test_the_api_issues_lists_and_withdraws(program, visit):
    doctor = program("doctor")
    refused = doctor.post(f"/api/encounters/{visit.id}/issued_documents/", json={"kind": "certificate"})
    assert (refused.status_code, list(refused.json)) == (400, ["kind"])
    bad = doctor.post(f"/api/encounters/{visit.id}/issued_documents/", json=LETTER | {"language": "xx"})
    assert (bad.status_code, list(bad.json)) == (400, ["language"])
    made = doctor.post(f"/api/encounters/{visit.id}/issued_documents/", json=LETTER)
    assert made.status_code == 201
    listed = doctor.get(f"/api/encounters/{visit.id}/issued_documents/?kind=referral_letter").json
    assert [row["code"] for row in listed] == [made.json["code"]]
    assert program("nurse").delete(f"/api/issued-documents/{made.json['id']}/").status_code == 403
    assert doctor.delete(f"/api/issued-documents/{made.json['id']}/").status_code == 204
    assert doctor.delete(f"/api/issued-documents/{made.json['id']}/").status_code == 409
    assert doctor.get(f"/api/issued-documents/{made.json['id']}/").json["status"] == "entered_in_error"


def test_a_code_tells_nobody_about_a_restricted_patient(desk, visit, person):
    issued = actions.issue_document(visit.id, kind="visit_summary", by=person("doctor"))
    access.restrict(visit.patient_id, reason="Asked for it", by=person("admin"))
    answer = desk("receptionist").send("/issued-documents/check", code=issued.code)
    assert "Issued here" not in text(answer)
