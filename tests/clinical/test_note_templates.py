"""Templates of notes: one's own, the department's, the hospital's."""

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
        one = Department(name="Outpatients of the test")
        db.session.add(one)
        db.session.flush()
        db.session.execute(update(User).where(User.username.in_(("doctor", "nurse"))).values(department_id=one.id))
    return one


def shortcuts(client) -> list[str]:
    return [one["shortcut"] for one in client.get("/note-templates/texts").json]


def test_a_template_is_made_changed_used_and_withdrawn(desk, person, db):
    client, encounter = desk("doctor"), an_encounter(person("doctor"), a_patient())
    assert client.form("/note-templates/new", **URI).status_code == 303
    one = db.session.scalars(select(NoteTemplate)).one()
    assert (one.shortcut, one.owner_id) == ("uri", person("doctor").id)
    assert client.form(f"/note-templates/{one.id}", title="Cough").status_code == 303
    assert "Cough" in words(client.get("/note-templates").get_data(as_text=True))
    inserted = client.form(f"/encounters/{encounter.id}", notes="Seen.", template=one.id, do="insert")
    assert re.search(r"Seen\.\s+Cough for    days\.\s+Chest: \.</textarea>", inserted.get_data(as_text=True))
    db.session.expire_all()
    assert encounter.notes == ""
    assert client.form("/note-templates/new", **URI).status_code == 409
    client.form("/note-templates", 0)
    assert shortcuts(client) == []
    assert client.form("/note-templates/new", **URI).status_code == 303


def test_the_hospitals_templates_are_kept_by_the_administrator(desk, db):
    admin, doctor = desk("admin"), desk("doctor")
    assert admin.form("/note-templates/hospital/new", **URI | {"content": ""}).status_code == 400
    assert admin.form("/note-templates/hospital/new", **URI).status_code == 303
    assert admin.form("/note-templates/hospital/new", **URI).status_code == 409
    one = db.session.scalars(select(NoteTemplate)).one()
    page = f"/note-templates/hospital/{one.id}"
    assert (one.owner_id, one.department_id, shortcuts(doctor)) == (None, None, ["uri"])
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


def test_an_own_template_is_nobody_elses(desk, person, db):
    one = actions.save_template(**URI, by=person("doctor"))
    assert person("nurse").id != one.owner_id
    with pytest.raises(NotFound):
        actions.readable(one.id, person("nurse"))
    assert desk("nurse").get("/note-templates").status_code == 403


def test_a_department_shares_its_templates(desk, person, db, department):
    doctor = request_user.load_active_person(person("doctor").id)
    mine = actions.save_template(**URI, by=doctor)
    shared = actions.save_template(**URI | {"title": "Ours"}, belongs_to="department", by=doctor)
    assert [one.id for one in actions.offered(doctor)] == [mine.id, shared.id]
    nurse = request_user.load_active_person(person("nurse").id)
    assert [one.title for one in actions.offered(nurse)] == ["Ours"]
    assert actions.may_change(shared, nurse)
    html = desk("doctor").get("/note-templates/new").get_data(as_text=True)
    assert "My department" in words(html)


def test_the_hospitals_templates_are_read_and_not_changed(desk, person, db):
    count = actions.load_starting_list(by=SYSTEM)
    assert count > 3
    assert actions.load_starting_list(by=SYSTEM) == 0
    client = desk("doctor")
    assert "mal" in shortcuts(client)
    one = db.session.scalars(select(NoteTemplate).where(NoteTemplate.shortcut == "mal")).one()
    assert client.get(f"/note-templates/{one.id}").status_code == 404
    assert "Change" not in words(client.get("/note-templates").get_data(as_text=True))


def test_an_old_page_does_not_undo_what_a_colleague_changed(desk, person, db):
    one = actions.save_template(**URI, by=person("doctor"))
    answer = desk("doctor").form(f"/note-templates/{one.id}", version=one.version - 1, content="typed here")
    assert answer.status_code == 409
    assert "typed here" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"shortcut": "two words"}, "short word"),
        ({"shortcut": ""}, "Enter a value"),
        ({"title": " "}, "Enter a value"),
        ({"content": "x" * 5001}, "at most 5000"),
        ({"content": "bell\x07"}, "cannot be displayed"),
        ({"belongs_to": "department"}, "Choose the owner"),
        ({"belongs_to": "hospital"}, "Choose the owner"),
    ],
)
def test_what_is_wrong_is_told_with_everything_kept(desk, db, typed, said):
    answer = desk("doctor").form("/note-templates/new", **URI | {"title": "Kept title"} | typed)
    assert answer.status_code == 400
    assert said in words(answer.get_data(as_text=True))
    if "title" not in typed:
        assert 'value="Kept title"' in answer.get_data(as_text=True)
