"""Reads of service points."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from hms.appointments.models import ServicePoint
from hms.core.db.name_order import name_order
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_


def list_points(*, is_open: bool = False) -> Sequence[ServicePoint]:
    """All service points with their departments, by name, closed ones last; only those that are open with `is_open`."""
    query = select_points().order_by(ServicePoint.is_active.desc(), *name_order(ServicePoint.name), ServicePoint.id)
    return db.session.scalars(query.where(ServicePoint.is_active) if is_open else query).all()


def select_points() -> Select:
    """Service points with their departments."""
    return select(ServicePoint).options(joinedload(ServicePoint.department))


def lock_open_point(point_id: int) -> ServicePoint:
    """A service point that patients may be sent to, which nobody closes until the transaction ends; raises `RuleBroken`."""
    query = select(ServicePoint).where(ServicePoint.id == point_id).with_for_update(read=True, key_share=True)
    point = db.session.scalars(query).one_or_none()
    if point is None:
        raise RuleBroken(N_('Invalid pk "%(id)s" - object does not exist.'), "point", id=point_id)
    if not point.is_active:
        raise RuleBroken(N_("This service point is closed. Choose another one."), "point", code="closed")
    return point
