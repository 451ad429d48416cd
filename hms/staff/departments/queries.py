"""Reads of departments."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Row, func, select

from hms.core.db.name_order import name_order
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_
from hms.staff.models import Department, User


def list_departments() -> Sequence[Row]:
    """All departments with the number of active accounts in each: open ones first, by name."""
    people = select(func.count()).select_from(User).where(User.department_id == Department.id, User.is_active)
    query = select(Department, people.scalar_subquery().label("people"))
    return db.session.execute(query.order_by(Department.is_active.desc(), *name_order(Department.name))).all()


def check_open_department(department_id: int | None, field: str, *, present_id: int | None = None) -> None:
    """Raise `RuleBroken` on `field` for a department that does not exist or is closed; one that is chosen already,
    `present_id`, may be closed, and None is no department. Part of an action: the row stays locked, so that nobody closes
    the department meanwhile."""
    if department_id is None:
        return
    lock = {"read": True, "key_share": True}
    department = db.session.get(Department, department_id, with_for_update=lock, populate_existing=True)
    if department is None:
        raise RuleBroken(N_("This department does not exist."), field)
    if not department.is_active and department_id != present_id:
        raise RuleBroken(N_("This department is closed. Choose another one."), field)
