"""One-time links: how a new person, or one who forgot, comes to a password. Nobody types a password for another.

A link's secret has 256 random bits, is shown once, works once and for `LINK_HOURS`; the database keeps its SHA-256 only.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Select, or_, select, update

from hms.core import clock
from hms.core.actions import action
from hms.core.background import mail
from hms.core.background.outbox import enqueue
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, NotFound
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text.translation import N_
from hms.staff import request_user
from hms.staff.login_security import attempts
from hms.staff.models import OneTimeLink, User
from hms.staff.request_user import new_token, sha256
from hms.staff.roles.administrators import check_may_manage
from hms.staff.sessions.revocation import end_links

from .set_password import hash_new_password, set_password

LINK_HOURS = 24
WELCOME, NEW_PASSWORD = "welcome", "password"


@action(Permission.MANAGE_STAFF, "staff.make_link")
def make_link(user_id: int, *, by: Person) -> str:
    """Make a link for an active account and return its secret; older links end. Mailed too when that is possible."""
    user = get_for_update(User, user_id)
    check_may_manage(user, by)
    if user.id == by.id:
        raise Conflict(N_("Change your own password on your profile page."), code="own_account")
    if not user.is_active:
        raise Conflict(N_("This account is closed. Open it again first."), code="inactive")
    end_links(user)
    secret = new_token()
    link = OneTimeLink(
        user_id=user.id,
        purpose=NEW_PASSWORD if user.password_hash else WELCOME,
        token_hash=sha256(secret),
        expires_at=clock.now() + timedelta(hours=LINK_HOURS),
        made_by_id=by.id,
    )
    db.session.add(link)
    db.session.flush()
    if can_be_mailed(user):
        enqueue("staff.mail_link", link.id)
    return secret


def can_be_mailed(user: User) -> bool:
    """Whether a link reaches this person by e-mail: they have an address, and the hospital has named its own and a server."""
    return bool(user.email and settings.value("hospital.site_address") and mail.is_set_up())


def _open_links(secret: str) -> Select[tuple[OneTimeLink]]:
    known = sha256(secret)
    return (
        select(OneTimeLink)
        .join(User, OneTimeLink.user_id == User.id)
        .where(
            or_(OneTimeLink.token_hash == known, OneTimeLink.mailed_hash == known),
            OneTimeLink.used_at.is_(None),
            OneTimeLink.ended_at.is_(None),
            OneTimeLink.expires_at > clock.now(),
            User.is_active,
        )
    )


def get_link_owner(secret: str) -> User:
    """Whose open link this is; `NotFound` for one that never was, is used, has ended or is too old: all look the same."""
    link = db.session.scalars(_open_links(secret)).one_or_none()
    if link is None:
        raise NotFound(N_("This link no longer works. Ask an administrator for a new one."))
    return db.session.get_one(User, link.user_id)


def use_link(secret: str, *, password: str) -> User:
    """Choose a password by a link, in the name of its holder. Of two at once one is refused with `NotFound`."""
    owner = get_link_owner(secret)
    return use_link_in_action(
        secret, password_hash=hash_new_password(owner, password), by=request_user.load_active_person(owner.id)
    )


@action(Permission.PUBLIC, "staff._use")
def use_link_in_action(secret: str, *, password_hash: str, by: Person) -> User:
    user = get_for_update(User, by.id)
    link = db.session.scalars(_open_links(secret).with_for_update(of=OneTimeLink)).one_or_none()
    if link is None:
        raise NotFound(N_("This link no longer works. Ask an administrator for a new one."))
    db.session.execute(update(OneTimeLink).where(OneTimeLink.id == link.id).values(used_at=clock.now()))
    set_password(user, password_hash)
    attempts.clear_lockouts(user.id)
    return user
