"""Add, change, close and reopen visit types. They are never deleted: past appointments have them."""

from __future__ import annotations

from hms.appointments.availability.rules import check_duration
from hms.appointments.enums import Colour
from hms.appointments.models import VisitType
from hms.core.actions import STALE_MESSAGE, action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import RuleBroken, StaleVersion
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field, clean_name
from hms.core.text.translation import N_

MAX_NAME_LENGTH = 40
MAX_MARK_LENGTH = 3


@action(Permission.MANAGE_HOURS, "appointments.save_visit_type")
def save_visit_type(
    visit_type_id: int | None = None,
    *,
    name: str,
    mark: str,
    colour: str,
    minutes: int,
    is_follow_up: bool | None = None,
    is_active: bool | None = None,
    version: int | None = None,
    by: Person,
) -> VisitType:
    """Add a visit type, or change the one with `visit_type_id`; bookings keep their length. A type that is not `is_active`
    cannot be chosen, a follow-up may be free; None leaves both as they are. Raises `StaleVersion` when `version` is old."""
    visit_type = VisitType() if visit_type_id is None else get_for_update(VisitType, visit_type_id)
    if version is not None and visit_type_id is not None and visit_type.version != version:
        raise StaleVersion(STALE_MESSAGE)
    visit_type.name = clean_name(name, "name", longest=MAX_NAME_LENGTH)
    visit_type.mark = "".join(clean_field(mark, "mark", longest=MAX_MARK_LENGTH).split())
    if not visit_type.name:
        raise RuleBroken(N_("Enter the name of the visit type."), "name")
    if not visit_type.mark:
        raise RuleBroken(N_("Enter one to three letters, for example F for follow-up."), "mark")
    if colour not in list(Colour):
        raise RuleBroken(N_("Choose a colour."), "colour")
    check_duration(minutes, "minutes")
    visit_type.colour, visit_type.minutes = colour, minutes
    if is_follow_up is not None:
        visit_type.is_follow_up = is_follow_up
    if is_active is not None:
        visit_type.is_active = is_active
    if visit_type_id is not None and db.session.is_modified(visit_type):
        visit_type.increment_version()
    db.session.add(visit_type)
    db.session.flush()
    publish(Event.APPOINTMENTS_CHANGED)
    return visit_type


@action(Permission.MANAGE_HOURS, "appointments.set_visit_type_open")
def set_visit_type_open(visit_type_id: int, *, is_active: bool, by: Person) -> VisitType:
    """Offer a visit type for new bookings, or not."""
    visit_type = get_for_update(VisitType, visit_type_id)
    if visit_type.is_active != is_active:
        visit_type.is_active = is_active
        visit_type.increment_version()
        db.session.flush()
    return visit_type
