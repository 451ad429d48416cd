"""Make wall screens and switch them off. The secret is shown once; only its SHA-256 is stored."""

from __future__ import annotations

from collections.abc import Iterable

from hms.appointments.availability.queries import lock_doctor
from hms.appointments.models import WallScreen
from hms.appointments.points.queries import lock_open_point
from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_name
from hms.core.text.translation import N_
from hms.core.web.localisation import offered_languages
from hms.staff.request_user import new_token, sha256

MAX_NAME_LENGTH = 60


@action(Permission.MANAGE_SETTINGS, "appointments.make_screen")
def make_screen(
    *,
    name: str,
    doctor_id: int | None = None,
    point_id: int | None = None,
    has_chime: bool = False,
    spoken: Iterable[str] = (),
    by: Person,
) -> tuple[WallScreen, str]:
    """Make a wall screen for the calls of one doctor or one service point, or of all; returns it with the secret of its link.

    `spoken` are the codes of the languages in which numbers are spoken, in this order. Raises `RuleBroken`.
    """
    name = clean_name(name, "name", longest=MAX_NAME_LENGTH)
    if not name:
        raise RuleBroken(N_("Enter the name of the screen."), "name")
    languages = list(dict.fromkeys(spoken))
    if not set(languages) <= set(offered_languages()):
        raise RuleBroken(N_("Choose languages that pages can be read in."), "spoken")
    if doctor_id is not None and point_id is not None:
        raise RuleBroken(N_("Choose a doctor or a service point, not both."), "point_id")
    if doctor_id is not None:
        lock_doctor(doctor_id)
    if point_id is not None:
        lock_open_point(point_id)
    secret = new_token()
    screen = WallScreen(
        name=name,
        doctor_id=doctor_id,
        point_id=point_id,
        has_chime=has_chime,
        spoken=languages,
        secret_hash=sha256(secret),
        made_by_id=by.id,
    )
    db.session.add(screen)
    db.session.flush()
    return screen, secret


@action(Permission.MANAGE_SETTINGS, "appointments.end_screen")
def switch_off_screen(screen_id: int, *, by: Person) -> WallScreen:
    """End the link of a wall screen for good; the screen shows nothing more within a minute."""
    screen = get_for_update(WallScreen, screen_id)
    if screen.ended_at is None:
        screen.ended_at = clock.now()
        db.session.flush()
    return screen
