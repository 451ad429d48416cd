"""Note templates of a person, a department and the hospital."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from hms.clinical.models import NoteTemplate
from hms.clinical.note_templates import actions
from hms.core.actions import action_context
from hms.core.errors import NotFound, RuleBroken
from hms.core.person import SYSTEM
from hms.staff import request_user
from hms.staff.models import Department, User
from tests.clinical.factories import a_patient, allergic, an_encounter
from tests.formulary.factories import load
from tests.page import words

URI = {"title": "Cough and cold", "shortcut": ";URI", "content": "Cough for    days.\nChest: ."}


@pytest.fixture
def department(db, person):
    """Doctor and nurse work there."""
    with action_context("tests.department", SYSTEM):
        row = Department(name="Outpatients of the test")
        db.session.add(row)
        db.session.flush()
        db.session.execute(update(User).where(User.username.in_(("doctor", "nurse"))).values(department_id=row.id))
    return row


def shortcuts(client) -> list[str]:
    return [template["shortcut"] for template in client.get("/note-templates/texts").json]


def test_a_template_is_added_changed_used_and_withdrawn(desk, person, db):
    client, encounter = desk("doctor"), an_encounter(person("doctor"), a_patient())
    assert client.form("/note-templates/new", **URI).status_code == 303
    template = db.session.scalars(select(NoteTemplate)).one()
    assert (template.shortcut, template.owner_id) == ("uri", person("doctor").id)
    assert client.form(f"/note-templates/{template.id}", title="Cough").status_code == 303
    assert "Cough" in words(client.get("/note-templates").get_data(as_text=True))
    inserted = client.form(f"/encounters/{encounter.id}", notes="Seen.", template=template.id, do="insert")
    assert re.search(r"Seen\.\s+Cough for    days\.\s+Chest: \.</textarea>", inserted.get_data(as_text=True))
    db.session.expire_all()
    assert encounter.notes == ""
    assert client.form("/note-templates/new", **URI).status_code == 409
    client.form("/note-templates", 0)
    assert shortcuts(client) == []
    assert client.form("/note-templates/new", **URI).status_code == 303


def test_the_administrator_manages_the_hospitals_templates(desk, db):
    admin, doctor = desk("admin"), desk("doctor")
    assert admin.form("/note-templates/hospital/new", **URI | {"content": ""}).status_code == 400
    assert admin.form("/note-templates/hospital/new", **URI).status_code == 303
    assert admin.form("/note-templates/hospital/new", **URI).status_code == 409
    template = db.session.scalars(select(NoteTemplate)).one()
    page = f"/note-templates/hospital/{template.id}"
    assert (template.owner_id, template.department_id, shortcuts(doctor)) == (None, None, ["uri"])
    assert {doctor.get(page).status_code, doctor.get("/note-templates/hospital").status_code} == {403}
    assert admin.form(page, title="Cough").status_code == 303
    assert admin.form(page, version="1", title="An older page").status_code == 409
    assert "Cough" in words(admin.get("/note-templates/hospital").get_data(as_text=True))
    assert admin.form("/note-templates/hospital").status_code == 303
    assert shortcuts(doctor) == []
    assert admin.get(page).status_code == 404


def test_the_hospital_page_shows_no_template_of_one_person(desk, person):
    own = actions.save_template(**URI, by=person("doctor"))
    assert desk("admin").get(f"/note-templates/hospital/{own.id}").status_code == 404


def test_colleagues_cannot_use_an_own_template(desk, person, db):
    template = actions.save_template(**URI, by=person("doctor"))
    assert person("nurse").id != template.owner_id
    with pytest.raises(NotFound):
        actions.get_readable(template.id, person("nurse"))
    assert desk("nurse").get("/note-templates").status_code == 403


def test_a_department_shares_its_templates(desk, person, db, department):
    doctor = request_user.load_active_person(person("doctor").id)
    mine = actions.save_template(**URI, by=doctor)
    shared = actions.save_template(**URI | {"title": "Ours"}, belongs_to="department", by=doctor)
    assert [template.id for template in actions.list_templates(doctor)] == [mine.id, shared.id]
    nurse = request_user.load_active_person(person("nurse").id)
    assert [template.title for template in actions.list_templates(nurse)] == ["Ours"]
    assert actions.may_change(shared, nurse)
    html = desk("doctor").get("/note-templates/new").get_data(as_text=True)
    assert "My department" in words(html)


def test_doctors_read_the_hospitals_templates_and_cannot_change_them(desk, person, db):
    count = actions.load_starting_list(by=SYSTEM)
    assert count > 3
    assert actions.load_starting_list(by=SYSTEM) == 0
    client = desk("doctor")
    assert "mal" in shortcuts(client)
    template = db.session.scalars(select(NoteTemplate).where(NoteTemplate.shortcut == "mal")).one()
    assert client.get(f"/note-templates/{template.id}").status_code == 404
    assert "Change" not in words(client.get("/note-templates").get_data(as_text=True))


def test_an_old_page_does_not_overwrite_a_colleagues_change(desk, person, db):
    template = actions.save_template(**URI, by=person("doctor"))
    answer = desk("doctor").form(f"/note-templates/{template.id}", version=template.version - 1, content="typed here")
    assert answer.status_code == 409
    assert "typed here" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"shortcut": "two words"}, "short word"),
        ({"shortcut": ""}, "Fill in “Shortcut”."),
        ({"title": " "}, "Fill in “Title”."),
        ({"content": "x" * 5001}, "at most 5000"),
        ({"content": "bell\x07"}, "cannot be displayed"),
        ({"belongs_to": "department"}, "Choose the owner"),
        ({"belongs_to": "hospital"}, "Choose the owner"),
    ],
)
def test_a_wrong_field_is_refused_and_all_fields_are_kept(desk, db, typed, message):
    answer = desk("doctor").form("/note-templates/new", **URI | {"title": "Kept title"} | typed)
    assert answer.status_code == 400
    assert message in words(answer.get_data(as_text=True))
    if "title" not in typed:
        assert 'value="Kept title"' in answer.get_data(as_text=True)


ORDERS = "paracetamol 500 mg tablet: 1 g qds pc 3/7\namoxicillin 500 mg capsule"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("paracetamol 500 mg tablet: 1 g", "Line 1: Enter the frequency"),
        ("paracetamol 500 mg tablet\nunobtainium 5 mg: 1 tab od", "Line 2: “unobtainium 5 mg” is not in the formulary"),
        ("paracetamol 500 mg tablet\n" * 21, "at most 20 lines"),
    ],
)
def test_an_order_set_has_medicines_with_doses_that_can_be_read(db, person, content, problem):
    load()
    with pytest.raises(RuleBroken) as refusal:
        actions.save_template(title="Fever", shortcut="fever", content=content, kind="orders", by=person("doctor"))
    assert problem in str(refusal.value)
    assert refusal.value.field == "content"


@pytest.fixture
def order_set(desk, db):
    load()
    saved = desk("doctor").form("/note-templates/new", kind="orders", title="Fever", shortcut="fever", content=ORDERS)
    assert saved.status_code == 303
    return db.session.scalars(select(NoteTemplate).filter_by(shortcut="fever")).one()


def test_the_medicines_of_an_order_set_are_added_with_all_checks(desk, order_set, person):
    doctor, patient = desk("doctor"), a_patient()
    allergic(patient)
    address = f"/encounters/{an_encounter(person('doctor'), patient).id}"
    assert doctor.form(address, do="add_set", order_set=order_set.id, notes="Hot").status_code == 303
    shown = words(doctor.get(address).get_data(as_text=True)).replace("\u00a0", " ")
    assert "paracetamol PANADOL 500 mg tablet — DOSE 1 g — oral — four times a day — 3 days" in shown
    assert "after food" in shown
    assert "amoxicillin 500 mg capsule was not added." in shown
    assert "Hot" in doctor.get(address).get_data(as_text=True)
    assert ";fever" not in doctor.get("/note-templates/texts").get_data(as_text=True)
    changed = doctor.form(f"/note-templates/{order_set.id}", content="paracetamol 500 mg tablet")
    assert (changed.status_code, order_set.kind) == (303, "orders")
    wrong = doctor.form(f"/note-templates/{order_set.id}", content="paracetamol 500 mg tablet: lots")
    assert wrong.status_code == 400


def test_the_api_lists_and_applies_order_sets(program, order_set, person):
    doctor, visit = program("doctor"), an_encounter(person("doctor"), a_patient())
    (listed,) = doctor.get("/api/order_sets/").json
    assert (listed["title"], listed["lines"]) == ("Fever", ORDERS.split("\n"))
    answer = doctor.post(f"/api/encounters/{visit.id}/apply_order_set/", json={"order_set": order_set.id}).json
    assert [line["dosage"] for line in answer["added"]] == ["1\u00a0g", "500\u00a0mg"]
    assert answer["not_added"] == []
    note = actions.save_template(title="Note", shortcut="n", content="Seen", by=person("doctor"))
    assert doctor.post(f"/api/encounters/{visit.id}/apply_order_set/", json={"order_set": note.id}).status_code == 404
    assert program("nurse").get("/api/order_sets/").status_code == 403
