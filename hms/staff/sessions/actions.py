"""Lists, locks and ends page sessions."""

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
    """The account's open sessions, including locked ones, the last used first."""
    live = (UserSession.user_id == user_id, UserSession.ended_at.is_(None), UserSession.expires_at > clock.now())
    return list(db.session.scalars(select(UserSession).where(*live).order_by(UserSession.last_seen_at.desc())))


def is_locked(user_session: UserSession, role_minutes: int | None) -> bool:
    """Whether the session is locked; `role_minutes` is the idle limit of its owner's role."""
    return user_session.locked_at is not None or user_session.last_seen_at <= clock.now() - idle_limit(role_minutes)


def get_cookie_owner() -> int | None:
    """The user id of the session in this browser's cookie, even when it has ended; None without one."""
    sid = session.get("sid")
    if not sid:
        return None
    return db.session.execute(select(UserSession.user_id).filter_by(token_hash=sha256(sid))).scalar_one_or_none()


def lock_session(session_id: int) -> None:
    """Lock a session until the PIN or password is entered. Commits."""
    _update_live(UserSession.id == session_id, locked_at=clock.now())
    db.session.commit()


def end_cookie_session() -> None:
    """End the session in this browser's cookie, locked or not, and record it in the audit trail. Commits."""
    sid, who = session.get("sid"), current_person()
    owner = get_cookie_owner()
    if sid and _update_live(UserSession.token_hash == sha256(sid), ended_at=clock.now()):
        recording.record("staff.sign_out", who if who.is_authenticated else None, entity="app_user", entity_id=owner)
    if sid:
        db.session.commit()


@action(Permission.SIGNED_IN, "staff.end_own")
def end_own_session(session_id: int, *, by: Person) -> None:
    """End one of one's own sessions; raises `NotFound` for any other."""
    own = (UserSession.id == session_id, UserSession.user_id == by.id)
    if not _update_live(*own, ended_at=clock.now()):
        raise NotFound(N_("This session has already ended."))
    recording.record("staff.end_session", by, entity="app_user", entity_id=by.id)


@action(Permission.SIGNED_IN, "staff.end_others")
def end_own_other_sessions(*, by: Person) -> int:
    """End one's other sessions and all one's tokens; return the number of sessions ended."""
    ended = _update_live(UserSession.user_id == by.id, UserSession.id != (by.session_id or 0), ended_at=clock.now())
    tokens.revoke_all(by.id or 0)
    recording.record("staff.end_other_sessions", by, entity="app_user", entity_id=by.id)
    return ended


@action(Permission.MANAGE_STAFF, "staff.end_all_of")
def end_all_sessions(user_id: int, *, by: Person) -> int:
    """End all sessions and tokens of an account; return the number of sessions ended."""
    user = get_or_not_found(User, user_id)
    ended = _update_live(UserSession.user_id == user.id, ended_at=clock.now())
    tokens.revoke_all(user.id)
    user.token_version += 1
    recording.record("staff.end_sessions", by, entity="app_user", entity_id=user.id)
    return ended


@action(Permission.MANAGE_STAFF, "staff.end_one_of")
def end_one_session(user_id: int, session_id: int, *, by: Person) -> None:
    """End one session of an account; raises `NotFound`."""
    if not _update_live(UserSession.id == session_id, UserSession.user_id == user_id, ended_at=clock.now()):
        raise NotFound(N_("This session has already ended."))
    recording.record("staff.end_session", by, entity="app_user", entity_id=user_id)


def _update_live(*conditions: ColumnElement[bool], **values: object) -> int:
    live = (*conditions, UserSession.ended_at.is_(None))
    return db.session.execute(update(UserSession).where(*live).values(**values)).rowcount
