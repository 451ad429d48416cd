"""Who is behind a request: a page's session or a program's token, loaded anew each time with the role's grants."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

import jwt
from flask import Request, current_app, g, request, session
from sqlalchemy import select, update
from sqlalchemy.engine import Row

from hms.core import clock, settings
from hms.core.db import db
from hms.core.people import Person
from hms.core.web import login_manager

from .models import Role, User, UserSession

ACCESS_MINUTES = 15
EXPIRED = "Token is invalid or expired"
SIGNED_OUT = "User not found or signed out"
SEEN_EVERY = timedelta(seconds=60)
_CLAIMS = ["sub", "iat", "nbf", "exp", "jti", "iss", "aud"]

_COLUMNS = (
    User.id,
    User.username,
    User.title,
    User.first_name,
    User.last_name,
    User.language,
    User.preferences,
    User.patient_id,
    User.department_id,
    User.token_version,
    Role.code,
    Role.name.label("role_name"),
    Role.grants,
)


def sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def new_token() -> str:
    """256 random bits, for a cookie or a refresh token."""
    return secrets.token_urlsafe(32)


@login_manager.request_loader
def load_person(asked: Request) -> Person | None:
    """The person behind the request: by Bearer token under /api/, else by the page's session."""
    header = asked.headers.get("Authorization", "")
    if header:
        return _by_token(header) if asked.path.startswith("/api/") else None
    return _by_session(session.get("sid"))


def _by_session(sid: str | None) -> Person | None:
    if not sid:
        return None
    now = clock.now()
    idle = timedelta(minutes=settings.value("staff.idle_minutes"))
    live = (UserSession.token_hash == sha256(sid), UserSession.ended_at.is_(None), UserSession.expires_at > now)
    query = (
        select(*_COLUMNS, UserSession.id.label("session_id"), UserSession.last_seen_at)
        .join(UserSession, UserSession.user_id == User.id)
        .outerjoin(Role, User.role_id == Role.id)
        .where(*live, User.is_active, UserSession.last_seen_at > now - idle)
    )
    row = db.session.execute(query).first()
    if row is None:
        g.session_ended = True
        return None
    _mark_seen(row, now)
    return person_of(row, session_id=row.session_id)


def _mark_seen(row: Row[Any], now: datetime) -> None:
    """Note the activity at most once a minute; a page that refreshes itself does not count."""
    if now - row.last_seen_at < SEEN_EVERY or request.headers.get("X-Refresh") == "1":
        return
    db.session.execute(update(UserSession).where(UserSession.id == row.session_id).values(last_seen_at=now))
    db.session.commit()


def person_of(row: Row[Any], **more: Any) -> Person:
    """A row of `_COLUMNS` as a `Person`."""
    name = " ".join(part for part in (row.title, row.first_name, row.last_name) if part) or row.username
    return Person(
        id=row.id,
        username=row.username,
        name=name,
        role=row.code,
        role_name=row.role_name,
        grants=frozenset(row.grants or ()),
        patient_id=row.patient_id,
        department_id=row.department_id,
        language=row.language,
        preferences=row.preferences or {},
        **more,
    )


def person(user_id: int) -> Person | None:
    """The person with this account, or None when it does not exist or is deactivated."""
    query = select(*_COLUMNS).outerjoin(Role, User.role_id == Role.id).where(User.id == user_id, User.is_active)
    row = db.session.execute(query).first()
    return person_of(row) if row else None


def access_token(user_id: int, token_version: int) -> str:
    """A JWT (RFC 7519, HS256) for fifteen minutes."""
    now = int(clock.now().timestamp())
    claims = {
        "token_type": "access",
        "sub": str(user_id),
        "user_id": str(user_id),
        "iat": now,
        "nbf": now,
        "exp": now + ACCESS_MINUTES * 60,
        "jti": secrets.token_urlsafe(12),
        "iss": "hms",
        "aud": "hms-api",
        "ver": token_version,
    }
    return jwt.encode(claims, current_app.config["JWT_SECRET_KEY"], algorithm="HS256")


def _by_token(header: str) -> Person | None:
    kind, _, token = header.partition(" ")
    try:
        claims = jwt.decode(
            token if kind.lower() == "bearer" else "",
            current_app.config["JWT_SECRET_KEY"],
            algorithms=["HS256"],
            issuer="hms",
            audience="hms-api",
            options={"require": _CLAIMS},
        )
        user_id = int(claims["sub"]) if claims.get("token_type") == "access" else 0
    except (jwt.InvalidTokenError, ValueError):
        g.token_fault = EXPIRED
        return None
    query = select(*_COLUMNS).outerjoin(Role, User.role_id == Role.id).where(User.id == user_id, User.is_active)
    row = db.session.execute(query).first()
    if row is None or row.token_version != claims.get("ver"):
        g.token_fault = SIGNED_OUT
        return None
    return person_of(row, by_token=True)
