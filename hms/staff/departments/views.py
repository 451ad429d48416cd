"""Pages: the departments of the hospital."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.db.session import get_or_not_found
from hms.core.exports.page_lists import PageList, export_response
from hms.core.exports.registry import offer_page_export
from hms.core.permissions import Permission
from hms.core.web.buttons import press
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import parameters
from hms.staff.blueprints import pages
from hms.staff.exports import DEPARTMENTS
from hms.staff.forms import DepartmentForm
from hms.staff.models import Department
from hms.staff.role_requests import queries as role_requests

from . import actions, queries


@pages.get("/admin/departments")
@requires(Permission.MANAGE_STAFF)
def departments_page() -> str:
    """All departments and how many people work in each."""
    return render_template(
        "staff/departments.html", rows=queries.list_departments(), waiting=role_requests.count_waiting()
    )


@requires(Permission.MANAGE_STAFF)
def export_departments() -> Response:
    """The departments of the page as a file."""
    return export_response(PageList.of(queries.list_departments()), _department_values)


def _department_values(row: Any) -> dict[str, Any]:
    """The fields of `exports.DEPARTMENTS`."""
    return {"name": row.Department.name, "people": row.people, "is_active": row.Department.is_active}


offer_page_export(export_departments, DEPARTMENTS, parameters())


@pages.route("/admin/departments/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_STAFF)
def add_department() -> ResponseReturnValue:
    """Add a department."""
    return _department_page(DepartmentForm(), None)


@pages.route("/admin/departments/<int:department_id>", methods=["GET", "POST"])
@requires(Permission.MANAGE_STAFF)
def edit_department(department_id: int) -> ResponseReturnValue:
    """Rename a department; close or reopen it."""
    department = get_or_not_found(Department, department_id)
    form = DepartmentForm(obj=department)
    form.merge_with(lambda: form.stored_values(get_or_not_found(Department, department_id)))
    return _department_page(form, department)


def _department_page(form: DepartmentForm, department: Department | None) -> ResponseReturnValue:
    if form.save(actions.save_department, department_id=department.id if department else None, by=current_person()):
        flash(_("Department %(name)s saved.", name=form.result.name), "success")
        return redirect(url_for(".departments_page"), 303)
    return render_template("staff/department.html", form=form, department=department), form.status


@pages.post("/admin/departments/<int:department_id>/close")
@requires(Permission.MANAGE_STAFF)
def close_department(department_id: int) -> ResponseReturnValue:
    """Close a department in which nobody works."""
    return _perform(department_id, actions.close_department, _("Department closed."))


@pages.post("/admin/departments/<int:department_id>/reopen")
@requires(Permission.MANAGE_STAFF)
def reopen_department(department_id: int) -> ResponseReturnValue:
    """Reopen a closed department."""
    return _perform(department_id, actions.reopen_department, _("Department reopened."))


def _perform(department_id: int, action: Any, message: str) -> ResponseReturnValue:
    if not press(action, department_id=department_id):
        return redirect(url_for(".edit_department", department_id=department_id), 303)
    flash(message, "success")
    return redirect(url_for(".departments_page"), 303)
