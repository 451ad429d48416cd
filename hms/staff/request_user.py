"""Loads the person behind a request, from a page session or an API token, with the permissions of their role."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import jwt
from flask import Request, current_app, g, request, session
from flask_login import current_user
from psycopg.errors import DiskFull
from sqlalchemy import bindparam, column, func, select, table, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import DBAPIError

from hms.core import clock
from hms.core.db.fixed_words import fixed_word
from hms.core.db.query_counter import NOT_COUNTED
from hms.core.db.session import commit_upkeep, db
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.web.guard import person_loader

from .models import RefreshToken, Role, User, UserSession

ACCESS_MINUTES = 15
EXPIRED_MESSAGE = "Token is invalid or expired"
REVOKED_MESSAGE = "User not found or signed out"
ACTIVITY_INTERVAL = timedelta(seconds=30)
IDLE_TOLERANCE = timedelta(seconds=60)
_FAMILY = re.compile(r"[A-Za-z0-9_-]{0,40}")
_CLAIMS = ["sub", "iat", "nbf", "exp", "jti", "iss", "aud"]

_USER, _ROLE, _SESSION, _REFRESH = (model.__table__ for model in (User, Role, UserSession, RefreshToken))
_COLUMNS = (
    *(_USER.c[name] for name in ("id", "username", "title", "first_name", "last_name", "language", "preferences")),
    *(_USER.c[name] for name in ("patient_id", "department_id", "token_version", "role_id")),
    _USER.c.totp_secret.is_not(None).label("has_second_factor"),
    _ROLE.c.code,
    _ROLE.c.name.label("role_name"),
    _ROLE.c.grants,
    _ROLE.c.idle_minutes,
)
_WITH_ROLE = _USER.outerjoin(_ROLE, _USER.c.role_id == _ROLE.c.id)
_PEOPLE = select(*_COLUMNS).select_from(_WITH_ROLE).where(_USER.c.is_active)
_BY_ID = _PEOPLE.where(_USER.c.id == bindparam("user_id"))
_ENDED = (_REFRESH.c.family == bindparam("family"), _REFRESH.c.revoked_at.is_not(None))
_BY_TOKEN = _BY_ID.where(~select(_REFRESH.c.id).where(*_ENDED).exists())
# The desks of messages and escalations are higher desks, so their models are not imported.
_ALERT = table("notification", column("user_id"), column("read_at"))
_UNREAD = select(func.count()).where(_ALERT.c.user_id == _USER.c.id, _ALERT.c.read_at.is_(None)).scalar_subquery()
_ESCALATION = table("escalation", column("id"), column("status"))
_STEP = table("escalation_step", column("id"), column("escalation_id"))
_TOLD = table("escalation_alert", column("step_id"), column("user_id"))
_TOLD_OF = (
    select(func.count(func.distinct(_ESCALATION.c.id)))
    .select_from(
        _ESCALATION.join(_STEP, _STEP.c.escalation_id == _ESCALATION.c.id).join(_TOLD, _TOLD.c.step_id == _STEP.c.id)
    )
    .where(_ESCALATION.c.status == fixed_word("open"), _TOLD.c.user_id == _USER.c.id)
    .scalar_subquery()
)
_SESSION_COLUMNS = (
    _UNREAD.label("unread_alerts"),
    _TOLD_OF.label("open_escalations"),
    *(_SESSION.c.id.label("session_id"), _SESSION.c.role_id.label("session_role_id")),
    *(_SESSION.c.last_seen_at, _SESSION.c.locked_at),
)
_BY_SESSION = (
    select(*_COLUMNS, *_SESSION_COLUMNS)
    .select_from(_WITH_ROLE.join(_SESSION, _SESSION.c.user_id == _USER.c.id))
    .where(
        _SESSION.c.token_hash == bindparam("token_hash"),
        _SESSION.c.ended_at.is_(None),
        _SESSION.c.expires_at > bindparam("now"),
        _USER.c.is_active,
    )
)


def sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def new_token() -> str:
    """256 random bits as text, for a cookie, a link or a refresh token."""
    return secrets.token_urlsafe(32)


@person_loader
def load_person(flask_request: Request) -> Person | None:
    """The person behind the request: by Bearer token under /api/, else by the page session; None when nobody is signed in."""
    header = flask_request.headers.get("Authorization", "")
    if header:
        return _load_by_token(header) if flask_request.path.startswith("/api/") else None
    return _load_by_session(session.get("sid"))


@dataclass(frozen=True)
class LockedSession:
    """A locked page session: it opens only the lock page until the PIN or password is entered."""

    session_id: int
    user_id: int
    name: str


def idle_limit(role_minutes: int | None) -> timedelta:
    """The time without a request after which a page locks: the shorter of the role's and the hospital's minutes.

    Pages report typing and scrolling twice a minute; the tolerance covers that delay.
    """
    hospital_minutes = settings.value("staff.idle_minutes")
    return timedelta(minutes=min(hospital_minutes, role_minutes or hospital_minutes)) + IDLE_TOLERANCE


def _load_by_session(sid: str | None) -> Person | None:
    g.locked_session = g.session_with_other_role = None
    if not sid:
        return None
    now = clock.now()
    row = db.session.execute(_BY_SESSION, {"token_hash": sha256(sid), "now": now}).first()
    if row is None:
        g.session_ended = True
        return None
    if row.locked_at is not None or row.last_seen_at <= now - idle_limit(row.idle_minutes):
        g.locked_session = LockedSession(row.session_id, row.id, person_from_row(row).name)
        return None
    _mark_seen(row, now)
    if session.get("language") != row.language:
        session["language"] = row.language  # for the words of an error page while the database is not available
    if row.session_role_id != row.role_id:
        g.session_with_other_role = row.session_id, row.role_id
    counts = {"unread_alerts": row.unread_alerts, "open_escalations": row.open_escalations}
    return person_from_row(row, session_id=row.session_id, **counts)


def locked_session() -> LockedSession | None:
    """The locked session behind this request, if it has one."""
    return None if current_user.is_authenticated else g.get("locked_session")


def _mark_seen(row: Row[Any], now: datetime) -> None:
    """Store the time of activity, at most twice a minute; automatic refreshes of a page do not count."""
    if now - row.last_seen_at < ACTIVITY_INTERVAL or request.headers.get("X-Refresh") == "1":
        return
    statement = update(UserSession).where(UserSession.id == row.session_id).values(last_seen_at=now)
    try:
        db.session.execute(statement, execution_options=NOT_COUNTED)
        commit_upkeep()
    except DBAPIError as error:
        if not isinstance(error.orig, DiskFull):
            raise
        db.session.rollback()  # with a full disk pages can still be read


def person_from_row(row: Row[Any], **more: Any) -> Person:
    """Make a `Person` from a row of `_COLUMNS`."""
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
        idle_minutes=row.idle_minutes,
        must_enrol=not row.has_second_factor and second_factor_is_required(row.code),
        **more,
    )


def load_active_person(user_id: int) -> Person | None:
    """The person with this account, or None when it does not exist or is deactivated."""
    row = db.session.execute(_BY_ID, {"user_id": user_id}).first()
    return person_from_row(row) if row else None


def second_factor_is_required(role_code: str | None) -> bool:
    """Whether people of this role may work only with a second factor (setting `staff.second_factor_roles`)."""
    return role_code is not None and role_code in settings.value("staff.second_factor_roles").replace(",", " ").split()


def access_token(user_id: int, token_version: int, family: str = "") -> str:
    """A JWT (RFC 7519, HS256) valid for fifteen minutes, or until its family of tokens ends."""
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
        "fam": family,
    }
    return jwt.encode(claims, current_app.config["JWT_SECRET_KEY"], algorithm="HS256")


def _load_by_token(header: str) -> Person | None:
    kind, _, token = header.partition(" ")
    try:
        claims = _decode_claims(token if kind.lower() == "bearer" else "", current_app.config["JWT_SECRET_KEY"])
    except (jwt.InvalidTokenError, ValueError):
        claims = NO_CLAIMS
    if not claims.not_before <= clock.now().timestamp() < claims.expires:
        g.token_fault = EXPIRED_MESSAGE
        return None
    row = db.session.execute(_BY_TOKEN, {"user_id": claims.user_id, "family": claims.family}).first()
    if row is None or row.token_version != claims.token_version:
        g.token_fault = REVOKED_MESSAGE
        return None
    return person_from_row(row, by_token=True)


class Claims(NamedTuple):
    """The claims of an access token; it is valid from `not_before` to `expires` (UTC, Unix seconds)."""

    user_id: int
    token_version: int | None
    family: str
    not_before: int
    expires: int


NO_CLAIMS = Claims(0, None, "", 0, 0)


@lru_cache(maxsize=1024)
def _decode_claims(token: str, key: str) -> Claims:
    """The claims of a token signed with `key`, without checking the time, so that the result can be cached.

    Raises `jwt.InvalidTokenError` or `ValueError` when it is not an access token of this hospital.
    """
    decoded = jwt.decode(
        token,
        key,
        algorithms=["HS256"],
        issuer="hms",
        audience="hms-api",
        options={"require": _CLAIMS, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    family = str(decoded.get("fam", ""))
    if decoded.get("token_type") != "access" or not _FAMILY.fullmatch(family):
        raise ValueError("not an access token")
    not_before, expires = (int(str(decoded[name])[:18]) for name in ("nbf", "exp"))
    return Claims(int(decoded["sub"][:18]), decoded.get("ver"), family, not_before, expires)
