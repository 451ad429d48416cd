"""Add, rename, close and reopen departments. They are never deleted: past appointments and templates belong to them."""

from __future__ import annotations

from sqlalchemy import func, select

from hms.core.actions import STALE_MESSAGE, action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken, StaleVersion
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_name
from hms.core.text.translation import N_
from hms.staff.models import Department, User

MAX_NAME_LENGTH = 60


@action(Permission.MANAGE_STAFF, "staff.save_department")
def save_department(
    department_id: int | None = None, *, name: str, version: int | None = None, by: Person
) -> Department:
    """Add a department, or rename the one with `department_id`. Raises `StaleVersion` when `version` is old."""
    department = Department() if department_id is None else get_for_update(Department, department_id)
    if version is not None and department_id is not None and department.version != version:
        raise StaleVersion(STALE_MESSAGE)
    department.name = clean_name(name, "name", longest=MAX_NAME_LENGTH)
    if not department.name:
        raise RuleBroken(N_("Enter the name of the department."), "name")
    if department_id is not None and db.session.is_modified(department):
        department.increment_version()
    db.session.add(department)
    db.session.flush()
    return department


@action(Permission.MANAGE_STAFF, "staff.close_department")
def close_department(department_id: int, *, by: Person) -> Department:
    """Close a department, so that it is offered nowhere; raises `Conflict` while people with an account are in it."""
    department = get_for_update(Department, department_id)
    people = select(func.count()).select_from(User).where(User.department_id == department_id, User.is_active)
    if db.session.execute(people).scalar_one():
        raise Conflict(N_("People work in this department. Choose another department for each of them first."))
    return _set_active(department, is_active=False)


@action(Permission.MANAGE_STAFF, "staff.reopen_department")
def reopen_department(department_id: int, *, by: Person) -> Department:
    """Offer a closed department again."""
    return _set_active(get_for_update(Department, department_id), is_active=True)


def _set_active(department: Department, *, is_active: bool) -> Department:
    if department.is_active != is_active:
        department.is_active = is_active
        department.increment_version()
        db.session.flush()
    return department
