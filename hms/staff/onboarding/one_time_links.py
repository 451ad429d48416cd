"""One-time links with which people choose a password: new staff, and staff who forgot theirs.

A link's secret has 256 random bits, is shown once, works once and for `LINK_HOURS`; only its SHA-256 is stored.
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
    """Create a link for an active account and return its secret. Older links end; it is also e-mailed when possible."""
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
    """Whether a link can be e-mailed: the person has an address, and site address and mail server are set."""
    return bool(user.email and settings.value("hospital.site_address") and mail.is_set_up())


def _open_links(secret: str) -> Select[tuple[OneTimeLink]]:
    secret_hash = sha256(secret)
    return (
        select(OneTimeLink)
        .join(User, OneTimeLink.user_id == User.id)
        .where(
            or_(OneTimeLink.token_hash == secret_hash, OneTimeLink.mailed_hash == secret_hash),
            OneTimeLink.used_at.is_(None),
            OneTimeLink.ended_at.is_(None),
            OneTimeLink.expires_at > clock.now(),
            User.is_active,
        )
    )


def get_link_owner(secret: str) -> User:
    """The account of an open link; raises the same `NotFound` for an unknown, used, ended or expired link."""
    link = db.session.scalars(_open_links(secret)).one_or_none()
    if link is None:
        raise NotFound(N_("This link no longer works. Ask an administrator for a new one."))
    return db.session.get_one(User, link.user_id)


def use_link(secret: str, *, password: str) -> User:
    """Set the password of the link's owner and use the link up; raises `NotFound` when the link is no longer open."""
    owner = get_link_owner(secret)
    return use_link_in_action(
        secret, password_hash=hash_new_password(owner, password), by=request_user.load_active_person(owner.id)
    )


@action(Permission.PUBLIC, "staff._use")
def use_link_in_action(secret: str, *, password_hash: str, by: Person) -> User:
    """The write of `use_link`; `by` is the link's owner."""
    user = get_for_update(User, by.id)
    link = db.session.scalars(_open_links(secret).with_for_update(of=OneTimeLink)).one_or_none()
    if link is None:
        raise NotFound(N_("This link no longer works. Ask an administrator for a new one."))
    db.session.execute(update(OneTimeLink).where(OneTimeLink.id == link.id).values(used_at=clock.now()))
    set_password(user, password_hash)
    attempts.clear_lockouts(user.id)
    return user
