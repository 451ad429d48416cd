"""The end of somebody's access: page sessions, tokens and open links, at once."""

from __future__ import annotations

from sqlalchemy import update

from hms.core import clock
from hms.core.db.session import db
from hms.staff.models import OneTimeLink, User, UserSession

from . import tokens


def end_access(user: User, *, but_session: int | None = None) -> None:
    """End every page session (but one) and every token of `user`; inside an action. Open sockets follow in five seconds."""
    sessions = update(UserSession).where(UserSession.user_id == user.id, UserSession.ended_at.is_(None))
    if but_session is not None:
        sessions = sessions.where(UserSession.id != but_session)
    db.session.execute(sessions.values(ended_at=clock.now()))
    tokens.revoke_all(user.id)
    user.token_version += 1
    db.session.flush()


def end_links(user: User) -> None:
    """No link made earlier opens anything any more."""
    is_open = (OneTimeLink.user_id == user.id, OneTimeLink.used_at.is_(None), OneTimeLink.ended_at.is_(None))
    db.session.execute(update(OneTimeLink).where(*is_open).values(ended_at=clock.now()))
