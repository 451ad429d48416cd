"""Note templates of a person, a department and the hospital."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from hms.clinical.models import NoteTemplate
from hms.clinical.note_templates import actions
from hms.core.actions import action_context
from hms.core.errors import NotFound
from hms.core.person import SYSTEM
from hms.staff import request_user
from hms.staff.models import Department, User
from tests.clinical.factories import a_patient, an_encounter
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
