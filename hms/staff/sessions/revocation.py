"""Ends a person's access: page sessions, tokens and one-time links."""

from __future__ import annotations

from sqlalchemy import update

from hms.core import clock
from hms.core.db.session import db
from hms.staff.models import OneTimeLink, User, UserSession

from . import tokens


def end_access(user: User, *, but_session: int | None = None) -> None:
    """End all page sessions (except `but_session`) and all tokens of `user`, inside an action. Sockets close within seconds."""
    sessions = update(UserSession).where(UserSession.user_id == user.id, UserSession.ended_at.is_(None))
    if but_session is not None:
        sessions = sessions.where(UserSession.id != but_session)
    db.session.execute(sessions.values(ended_at=clock.now()))
    tokens.revoke_all(user.id)
    user.token_version += 1
    db.session.flush()


def end_links(user: User) -> None:
    """End the open one-time links of `user`, inside an action."""
    is_open = (OneTimeLink.user_id == user.id, OneTimeLink.used_at.is_(None), OneTimeLink.ended_at.is_(None))
    db.session.execute(update(OneTimeLink).where(*is_open).values(ended_at=clock.now()))
