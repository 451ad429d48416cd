"""Reads of the prescribed SpO₂ scale."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Row, select

from hms.clinical.models import SaturationScale
from hms.core.db.session import db
from hms.staff.directory import display_name_column
from hms.staff.models import User

USUAL, LOW_TARGET = 1, 2
MAX_ORDERS = 20


class ScaleOrders(NamedTuple):
    """The scale that counts now, and the orders that say so, the newest first."""

    scale: int
    orders: list[Row]


def current_scale(patient_id: int) -> int:
    """The SpO₂ scale of the last order; the usual one where none was ordered."""
    newest = select(SaturationScale.scale).where(SaturationScale.patient_id == patient_id)
    return db.session.scalars(newest.order_by(SaturationScale.id.desc()).limit(1)).first() or USUAL


def list_orders(patient_id: int) -> ScaleOrders:
    """The last orders of a scale for a patient, with the names of the doctors."""
    row = SaturationScale
    query = select(
        row.id, row.scale, row.reason, row.ordered_by_id, row.created_at, display_name_column().label("name")
    )
    query = query.join(User, User.id == row.ordered_by_id).where(row.patient_id == patient_id)
    orders = list(db.session.execute(query.order_by(row.id.desc()).limit(MAX_ORDERS)))
    return ScaleOrders(orders[0].scale if orders else USUAL, orders)
