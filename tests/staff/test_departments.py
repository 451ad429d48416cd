"""Administrators add departments, which then are offered for people and on the day board, rename and close them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hms.core.audit.models import AuditEntry
from hms.core.errors import RuleBroken
from hms.staff.accounts import actions as account_actions
from hms.staff.departments import actions
from hms.staff.models import Department
from tests.staff.factories import user


def test_a_new_hospital_gets_its_departments_on_a_page(db, desk):
    admin = desk("admin")
    assert "No departments yet" in admin.get("/admin/departments").text
    assert "Add departments under" in admin.get("/admin/users/new").text
    assert admin.form("/admin/departments/new", name=" Maternity  ward ").status_code == 303
    department = db.session.scalars(select(Department)).one()
    assert (department.name, department.is_active) == ("Maternity ward", True)
    entry = db.session.scalars(select(AuditEntry).filter_by(entity="department")).one()
    assert entry.action == "staff.save_department"
    account = {"last_name": "Koroma", "username": "f.koroma", "department_id": str(department.id)}
    assert admin.form("/admin/users/new", **account).status_code == 303
    assert user("f.koroma").department_id == department.id
    assert "Maternity ward" in desk("receptionist").get("/appointments/").text


def test_a_name_is_given_once(db, desk):
    admin = desk("admin")
    admin.form("/admin/departments/new", name="Surgery")
    admin.form("/admin/departments/new", name="Épidémies")
    for again in ("surgery", "ÉPIDÉMIES"):
        refused = admin.form("/admin/departments/new", name=again)
        assert (refused.status_code, "already exists" in refused.text) == (409, True), again
    assert admin.form("/admin/departments/new", name="  ").status_code == 400


def test_only_an_empty_department_is_closed(db, desk):
    admin = desk("admin")
    admin.form("/admin/departments/new", name="Surgery")
    department = db.session.scalars(select(Department)).one()
    user("doctor").department_id = department.id
    db.session.commit()
    page = f"/admin/departments/{department.id}"
    admin.form(page, 1)
    assert department.is_active
    user("doctor").department_id = None
    db.session.commit()
    admin.form(page, 1)
    assert not department.is_active
    assert "Surgery" not in admin.get("/admin/users/new").text
    admin.form(page, 1)
    assert "Surgery" in admin.get("/admin/users/new").text


def test_nobody_comes_into_a_closed_department(db, desk, person):
    closed = actions.save_department(name="Surgery", by=person("admin"))
    user("nurse").department_id = closed.id
    closed.is_active = False
    db.session.commit()
    refused = {"by": person("admin"), "department_id": closed.id}
    with pytest.raises(RuleBroken, match="closed") as refusal:
        account_actions.change_person(user("doctor").id, **refused)
    assert refusal.value.field == "department_id"
    assert account_actions.change_person(user("nurse").id, title="Sr", **refused).department_id == closed.id


def test_two_people_who_rename_it_are_merged_or_told(db, desk, person):
    department = actions.save_department(name="Surgery", by=person("admin"))
    page = f"/admin/departments/{department.id}"
    actions.save_department(department.id, name="Theatre", by=person("admin"))
    shown = desk("admin").form(page, name="Operations", version="1")
    assert (shown.status_code, department.name) == (409, "Theatre")


def test_others_have_no_such_page(desk):
    for who in ("doctor", "receptionist"):
        assert desk(who).get("/admin/departments").status_code == 403
