"""Reads of wall screens."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Row, Select, bindparam, select

from hms.appointments.models import ServicePoint, WallScreen
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.text.translation import N_
from hms.staff.directory import display_name_column
from hms.staff.models import User
from hms.staff.request_user import sha256


def select_screens() -> Select:
    """The screens that are not switched off: id, name, doctor_id, doctor_name, point_id, point_name, has_chime,
    spoken, created_at."""
    return (
        select(
            WallScreen.id,
            WallScreen.name,
            WallScreen.doctor_id,
            display_name_column().label("doctor_name"),
            WallScreen.point_id,
            ServicePoint.name.label("point_name"),
            WallScreen.has_chime,
            WallScreen.spoken,
            WallScreen.created_at,
        )
        .outerjoin(User, User.id == WallScreen.doctor_id)
        .outerjoin(ServicePoint, ServicePoint.id == WallScreen.point_id)
        .where(WallScreen.ended_at.is_(None))
    )


def list_screens() -> list[Row]:
    """The screens that are not switched off, by name."""
    return list(db.session.execute(select_screens().order_by(WallScreen.name, WallScreen.id)))


def get_screen(secret: str) -> Row:
    """The screen whose link has `secret`: name, doctor_id, point_id, has_chime, spoken; raises `NotFound`, also when
    switched off."""
    row = db.session.execute(_screen_statement(), {"secret_hash": sha256(secret)}).one_or_none()
    if row is None:
        raise NotFound(N_("This screen was switched off. Ask an administrator for a new link."))
    return row


@cache
def _screen_statement() -> Select:
    columns = (WallScreen.name, WallScreen.doctor_id, WallScreen.point_id, WallScreen.has_chime, WallScreen.spoken)
    return select(*columns).where(WallScreen.secret_hash == bindparam("secret_hash"), WallScreen.ended_at.is_(None))
