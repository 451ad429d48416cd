"""Signing in and out: one answer for every failure, tries counted before a hash is made, sessions that end on the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import request, session
from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hms.core import audit, clock, settings
from hms.core.db import db
from hms.core.words import _

from . import passwords, second_factor
from .errors import Locked, SignInRefused
from .identity import new_token, sha256
from .models import LoginActivity, SignInGate, User, UserSession

TRIES = 5
LOCKED_FOR = timedelta(minutes=15)


@dataclass(frozen=True)
class SignedIn:
    """A signed-in account: its id and the version its tokens carry."""

    user_id: int
    token_version: int


def prove(name: str, password: str, otp: str | None = None) -> SignedIn:
    """Check name (username or e-mail), password and code; raises `SignInRefused`, `OtpRequired` or `Locked`.

    Every try is written to the sign-in activity. Commits.
    """
    user = _named(name)
    gate = f"user:{user.id}" if user else f"name:{name.casefold()[:150]}"
    _pass_gate(gate, user, name)
    if not (passwords.is_right(user.password_hash if user else None, password) and user and user.is_active):
        _note(user, name, "failed")
        raise SignInRefused(_("The username or password is not right."), code="no_active_account")
    second_factor.check(user, otp, lambda status: _note(user, name, status))
    _open_gate(gate)
    _note(user, name, "success")
    return SignedIn(user.id, user.token_version)


def is_proven(user: User, password_or_code: str) -> bool:
    """Whether somebody already signed in proves it again, by password or by code; tries count as those of signing in."""
    gate = f"proof:{user.id}"
    _pass_gate(gate, user, user.username)
    is_right = second_factor.is_fresh_code(user, password_or_code) or passwords.is_right(
        user.password_hash, password_or_code
    )
    if is_right:
        _open_gate(gate)
    _note(user, user.username, "confirmed" if is_right else "not_confirmed")
    return is_right


def _named(name: str) -> User | None:
    folded = name.strip().casefold()
    query = select(User).where(
        or_(func.lower(User.username) == folded, (func.lower(User.email) == folded) & (User.email != ""))
    )
    return db.session.scalars(query.order_by(User.id).limit(1)).one_or_none()


def _pass_gate(key: str, user: User | None, name: str) -> None:
    """Count the try before any hash is made; at most five in fifteen minutes, also when they come at once."""
    now = clock.now()
    row = insert(SignInGate).values(key=key, failures=1, last_failure_at=now)
    restart = or_(SignInGate.last_failure_at < now - LOCKED_FOR, SignInGate.last_failure_at.is_(None))
    failures = text("CASE WHEN sign_in_gate.last_failure_at < :horizon THEN 1 ELSE sign_in_gate.failures + 1 END")
    counted = row.on_conflict_do_update(
        index_elements=[SignInGate.key],
        set_={"failures": failures.bindparams(horizon=now - LOCKED_FOR), "last_failure_at": now},
        where=or_(SignInGate.failures < TRIES, restart),
    ).returning(SignInGate.failures)
    passed = db.session.execute(counted).scalar_one_or_none()
    db.session.commit()
    if passed is None:
        _note(user, name, "locked")
        raise Locked(_("Too many wrong tries. Wait 15 minutes, or ask an administrator to unlock the account."))


def _open_gate(key: str) -> None:
    db.session.execute(update(SignInGate).where(SignInGate.key == key).values(failures=0, last_failure_at=None))


def _note(user: User | None, name: str, status: str) -> None:
    """One line of sign-in activity and of the trail."""
    agent = request.user_agent.string[:300]
    who = {
        "user_id": user.id if user else None,
        "typed_name": name[:150],
        "ip": request.remote_addr,
        "user_agent": agent,
    }
    db.session.add(LoginActivity(status=status, **who))
    outcome = "success" if status == "success" else "denied"
    audit.record(
        f"staff.sign_in.{status}", None, entity="app_user", entity_id=user.id if user else None, outcome=outcome
    )
    db.session.commit()


def open_session(signed_in: SignedIn) -> str:
    """Start a page session; returns the secret for the cookie."""
    sid = new_token()
    row = UserSession(
        token_hash=sha256(sid),
        user_id=signed_in.user_id,
        expires_at=clock.now() + timedelta(hours=settings.value("staff.session_hours")),
        ip=request.remote_addr,
        user_agent=request.user_agent.string[:300],
    )
    db.session.add(row)
    db.session.commit()
    return sid


def renew_session(session_id: int) -> None:
    """Give the page session a new id; a copy of the old cookie opens nothing any more."""
    sid = new_token()
    db.session.execute(update(UserSession).where(UserSession.id == session_id).values(token_hash=sha256(sid)))
    db.session.commit()
    session["sid"] = sid


def end_session(session_id: int | None) -> None:
    """End one page session; its cookie opens nothing any more."""
    if session_id is None:
        return
    db.session.execute(update(UserSession).where(UserSession.id == session_id).values(ended_at=clock.now()))
    db.session.commit()
