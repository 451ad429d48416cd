"""Reads of departments."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Row, func, select

from hms.core.db.name_order import name_order
from hms.core.db.session import db
from hms.staff.models import Department, User


def list_departments() -> Sequence[Row]:
    """All departments with the number of active accounts in each: open ones first, by name."""
    people = select(func.count()).select_from(User).where(User.department_id == Department.id, User.is_active)
    query = select(Department, people.scalar_subquery().label("people"))
    return db.session.execute(query.order_by(Department.is_active.desc(), *name_order(Department.name))).all()
