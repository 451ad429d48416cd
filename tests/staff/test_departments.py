"""Administrators add departments, which then are offered for people and on the day board, rename and close them."""

from __future__ import annotations

from sqlalchemy import select

from hms.core.audit.models import AuditEntry
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
    refused = admin.form("/admin/departments/new", name="surgery")
    assert (refused.status_code, "already exists" in refused.text) == (409, True)
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


def test_two_people_who_rename_it_are_merged_or_told(db, desk, person):
    from hms.staff.departments import actions

    department = actions.save_department(name="Surgery", by=person("admin"))
    page = f"/admin/departments/{department.id}"
    actions.save_department(department.id, name="Theatre", by=person("admin"))
    shown = desk("admin").form(page, name="Operations", version="1")
    assert (shown.status_code, department.name) == (409, "Theatre")


def test_others_have_no_such_page(desk):
    for who in ("doctor", "receptionist"):
        assert desk(who).get("/admin/departments").status_code == 403
