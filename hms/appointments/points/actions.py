"""Add, change, close and reopen service points. They are never deleted: past visits went to them."""

from __future__ import annotations

from sqlalchemy import func, select

from hms.appointments import enums
from hms.appointments.enums import PointKind
from hms.appointments.models import PointEntry, ServicePoint
from hms.core import clock
from hms.core.actions import STALE_MESSAGE, action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken, StaleVersion
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field, clean_name
from hms.core.text.translation import N_
from hms.staff.departments.queries import check_open_department

MAX_NAME_LENGTH = 60
MAX_CODE_LENGTH = 12
MAX_PREFIX_LENGTH = 3


@action(Permission.MANAGE_SETTINGS, "appointments.save_service_point")
def save_service_point(
    point_id: int | None = None,
    *,
    code: str,
    name: str,
    kind: str,
    prefix: str,
    department_id: int | None = None,
    version: int | None = None,
    by: Person,
) -> ServicePoint:
    """Add a service point, or change the one with `point_id`. Tokens that were given keep their letters. Raises
    `RuleBroken`, and `StaleVersion` when `version` is old."""
    point = ServicePoint() if point_id is None else get_for_update(ServicePoint, point_id)
    if version is not None and point_id is not None and point.version != version:
        raise StaleVersion(STALE_MESSAGE)
    point.name = clean_name(name, "name", longest=MAX_NAME_LENGTH)
    if not point.name:
        raise RuleBroken(N_("Enter the name of the service point."), "name")
    point.code = _clean_letters(code, "code", MAX_CODE_LENGTH, N_("Enter a code of letters and digits, such as LAB."))
    point.prefix = _clean_letters(
        prefix, "prefix", MAX_PREFIX_LENGTH, N_("Enter one to three letters, for example L for the laboratory.")
    )
    if kind not in list(PointKind):
        raise RuleBroken(N_("Choose what kind of service point this is."), "kind")
    check_open_department(department_id, "department_id", present_id=point.department_id)
    point.kind, point.department_id = kind, department_id
    if point_id is not None and db.session.is_modified(point):
        point.increment_version()
    db.session.add(point)
    db.session.flush()
    publish(Event.QUEUE_CHANGED)
    return point


def _clean_letters(text: str, field: str, longest: int, message: str) -> str:
    cleaned = clean_field(text, field, longest=longest).upper()
    is_right = cleaned.isalpha() if field == "prefix" else cleaned.replace("-", "").isalnum()
    if not is_right:
        raise RuleBroken(message, field)
    return cleaned


@action(Permission.MANAGE_SETTINGS, "appointments.set_service_point_open")
def set_service_point_open(point_id: int, *, is_active: bool, by: Person) -> ServicePoint:
    """Close a service point, so that nobody is sent there any more, or reopen it. Raises `Conflict` while patients wait
    there."""
    point = get_for_update(ServicePoint, point_id)
    if not is_active and _count_present(point_id):
        message = N_("Patients are in the line of this service point. Send them on or finish with them first.")
        raise Conflict(message, code="in_use")
    if point.is_active != is_active:
        point.is_active = is_active
        point.increment_version()
        db.session.flush()
        publish(Event.QUEUE_CHANGED)
    return point


def _count_present(point_id: int) -> int:
    query = select(func.count()).where(
        PointEntry.point_id == point_id,
        PointEntry.service_date == clock.today(),
        PointEntry.status.in_(enums.IN_QUEUE_STATUSES),
    )
    return db.session.scalars(query).one()
