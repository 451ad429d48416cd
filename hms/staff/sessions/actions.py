"""Signed-in pages: whose they are, which role they work with, how they are locked and ended."""

from __future__ import annotations

from flask import session
from sqlalchemy import ColumnElement, select, update

from hms.core import clock
from hms.core.actions import action
from hms.core.audit import recording
from hms.core.db.session import db, get_or_not_found
from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.core.web.guard import current_person
from hms.staff.models import User, UserSession
from hms.staff.request_user import idle_limit, sha256

from . import tokens


def list_sessions(user_id: int) -> list[UserSession]:
    """The account's pages that are signed in (locked ones too), the last used first."""
    live = (UserSession.user_id == user_id, UserSession.ended_at.is_(None), UserSession.expires_at > clock.now())
    return list(db.session.scalars(select(UserSession).where(*live).order_by(UserSession.last_seen_at.desc())))


def is_locked(page: UserSession, of_role: int | None) -> bool:
    """Whether the page waits for its PIN or password; `of_role` is its owner's role's own limit, in minutes."""
    return page.locked_at is not None or page.last_seen_at <= clock.now() - idle_limit(of_role)


def get_cookie_owner() -> int | None:
    """Whose page this browser showed last, ended or not; None when it showed none."""
    sid = session.get("sid")
    if not sid:
        return None
    return db.session.execute(select(UserSession.user_id).filter_by(token_hash=sha256(sid))).scalar_one_or_none()


def lock_session(session_id: int) -> None:
    """Lock one page: until its PIN or password comes it opens nothing."""
    _update_live(UserSession.id == session_id, locked_at=clock.now())
    db.session.commit()


def end_cookie_session() -> None:
    """End whatever page this browser's cookie opens, locked or not; the trail says whose it was. At a locked page it
    is not known who uses it."""
    sid, who = session.get("sid"), current_person()
    owner = get_cookie_owner()
    if sid and _update_live(UserSession.token_hash == sha256(sid), ended_at=clock.now()):
        recording.record("staff.sign_out", who if who.is_authenticated else None, entity="app_user", entity_id=owner)
    if sid:
        db.session.commit()


@action(Permission.SIGNED_IN, "staff.end_own")
def end_own_session(session_id: int, *, by: Person) -> None:
    """End one of one's own pages; another's is not found."""
    mine = (UserSession.id == session_id, UserSession.user_id == by.id)
    if not _update_live(*mine, ended_at=clock.now()):
        raise NotFound(N_("This session has already ended."))
    recording.record("staff.end_session", by, entity="app_user", entity_id=by.id)


@action(Permission.SIGNED_IN, "staff.end_others")
def end_own_other_sessions(*, by: Person) -> int:
    """End all of one's own pages but this one, and one's programs' tokens; returns how many pages."""
    ended = _update_live(UserSession.user_id == by.id, UserSession.id != (by.session_id or 0), ended_at=clock.now())
    tokens.revoke_all(by.id or 0)
    recording.record("staff.end_other_sessions", by, entity="app_user", entity_id=by.id)
    return ended


@action(Permission.MANAGE_STAFF, "staff.end_all_of")
def end_all_sessions(user_id: int, *, by: Person) -> int:
    """End every page and token of an account; returns how many pages."""
    user = get_or_not_found(User, user_id)
    ended = _update_live(UserSession.user_id == user.id, ended_at=clock.now())
    tokens.revoke_all(user.id)
    user.token_version += 1
    recording.record("staff.end_sessions", by, entity="app_user", entity_id=user.id)
    return ended


@action(Permission.MANAGE_STAFF, "staff.end_one_of")
def end_one_session(user_id: int, session_id: int, *, by: Person) -> None:
    """End one page of an account."""
    if not _update_live(UserSession.id == session_id, UserSession.user_id == user_id, ended_at=clock.now()):
        raise NotFound(N_("This session has already ended."))
    recording.record("staff.end_session", by, entity="app_user", entity_id=user_id)


def _update_live(*which: ColumnElement[bool], **values: object) -> int:
    live = (*which, UserSession.ended_at.is_(None))
    return db.session.execute(update(UserSession).where(*live).values(**values)).rowcount
