"""Reads of visit types."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from hms.appointments.models import VisitType
from hms.core.db.name_order import name_order
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_


def list_visit_types(*, is_open: bool = False) -> Sequence[VisitType]:
    """All visit types by name, closed ones last; only those that can be chosen with `is_open`."""
    query = select(VisitType).order_by(VisitType.is_active.desc(), *name_order(VisitType.name), VisitType.id)
    return db.session.scalars(query.where(VisitType.is_active) if is_open else query).all()


def get_open_visit_type(visit_type_id: int) -> VisitType:
    """A visit type that can be chosen; raises `RuleBroken` for one that is closed or does not exist."""
    visit_type = db.session.get(VisitType, visit_type_id)
    if visit_type is None:
        raise RuleBroken(N_('Invalid pk "%(id)s" - object does not exist.'), "visit_type", id=visit_type_id)
    if not visit_type.is_active:
        raise RuleBroken(N_("This visit type is closed. Choose another one."), "visit_type", code="closed")
    return visit_type


def find_minutes(visit_type_id: int | None) -> int | None:
    """The length of visits of this type; None without a type, or when it does not exist."""
    visit_type = db.session.get(VisitType, visit_type_id) if visit_type_id else None
    return visit_type.minutes if visit_type else None
