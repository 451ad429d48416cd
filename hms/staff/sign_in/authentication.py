"""Signing in: name, password and code are proven, each try counted before anything is hashed; one answer for every failure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import request, session
from sqlalchemy import func, or_, select, update

from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.core.text.translation import N_, Sentence, joined
from hms.staff import request_user
from hms.staff.login_security import activity, attempts, concurrent_attempts, passwords
from hms.staff.login_security.errors import EnrolmentRequired, OtpRequired, SignInRefused
from hms.staff.models import User, UserSession
from hms.staff.request_user import new_token, sha256
from hms.staff.second_factor import codes


@dataclass(frozen=True)
class AuthenticatedAccount:
    """A signed-in account: its id and the version its tokens carry."""

    user_id: int
    token_version: int


@concurrent_attempts.limit_concurrency()
def authenticate(name: str, password: str, otp: str | None = None, *, is_program: bool = False) -> AuthenticatedAccount:
    """Check name (username or e-mail), password and code; raises `SignInRefused`, `OtpRequired` or `Locked`. Commits.

    A program cannot be led to set up a second factor: where the role needs one it is refused with `EnrolmentRequired`.
    """
    name = name.replace("\x00", "\ufffd")
    user = verify_password(name, password)
    if user.two_factor_enabled:
        if not otp:
            activity.record_login(user, name, "otp_needed")
            proof = AuthenticatedAccount(user.id, user.token_version)
            raise OtpRequired(N_("Enter the 6-digit code from your authenticator app."), "otp", proof=proof)
        codes.verify_code(user, otp, name)
    elif is_program and request_user.second_factor_is_required(user.role.code if user.role else None):
        raise EnrolmentRequired(N_("Your role needs a second factor. Sign in on the web page and set it up first."))
    return complete_sign_in(user, name)


@concurrent_attempts.limit_concurrency()
def verify_password(name: str, password: str) -> User:
    """The active account of that name and password; an unknown name, a wrong password, a closed account and one without
    a password yet are refused alike, after equal work."""
    user = find_account(name)
    with attempts.counted_attempt(attempts.limits_for("password", user, name), user, name) as attempt:
        if passwords.is_correct(user.password_hash if user else None, password) and user and user.is_active:
            attempt.succeeded()
            _renew_hash(user, password)
            return user
        left = attempt.failed()
    activity.record_login(user, name, "failed" if left else "lockout")
    raise SignInRefused(_wrong_password_message(left), code="no_active_account")


def complete_sign_in(user: User, name: str) -> AuthenticatedAccount:
    """Everything is proven: write it into the activity. Commits."""
    activity.record_login(user, name, "success")
    return AuthenticatedAccount(user.id, user.token_version)


def _wrong_password_message(left: int) -> Sentence:
    if left < 1:
        until = clock.now() + attempts.LOCKOUT_LENGTH
        return joined((Sentence(N_("Wrong username or password.")), attempts.lockout_message(until)))
    if left == 1:
        return Sentence(N_("Wrong username or password. 1 attempt left before a 15-minute lock."))
    words = N_("Wrong username or password. %(count)s attempts left before a 15-minute lock.")
    return Sentence(words, count=left)


def find_account(name: str) -> User | None:
    """The account with this username or e-mail address."""
    folded = name.strip().casefold()[:254]
    query = select(User).where(
        or_(func.lower(User.username) == folded, (func.lower(User.email) == folded) & (User.email != ""))
    )
    return db.session.scalars(query.order_by(User.id).limit(1)).one_or_none()


def _renew_hash(user: User, password: str) -> None:
    """While the password is known, make its hash with today's numbers."""
    if user.password_hash and passwords.is_outdated(user.password_hash):
        fresh = passwords.hash_secret(password)
        with action_context("staff.renew_password_hash", SYSTEM):
            unchanged = (User.id == user.id, User.password_hash == user.password_hash)
            db.session.execute(update(User).where(*unchanged).values(password_hash=fresh))


def open_session(signed_in: AuthenticatedAccount, *, until: datetime | None = None) -> str:
    """Start a page session, at most until `until`; returns the secret for the cookie. Commits."""
    sid, now = new_token(), clock.now()
    longest = now + timedelta(hours=settings.value("staff.session_hours"))
    row = UserSession(
        token_hash=sha256(sid),
        user_id=signed_in.user_id,
        role_id=db.session.execute(select(User.role_id).filter_by(id=signed_in.user_id)).scalar_one(),
        created_at=now,
        last_seen_at=now,
        confirmed_at=now,
        expires_at=min(longest, until or longest),
        ip=request.remote_addr,
        user_agent=activity.user_agent(),
    )
    db.session.add(row)
    db.session.commit()
    return sid


def renew_session(session_id: int, **values: object) -> None:
    """Give the page session a new id, and `values`; a copy of the old cookie opens nothing any more. Commits."""
    sid = new_token()
    mine = (UserSession.id == session_id, UserSession.ended_at.is_(None))
    db.session.execute(update(UserSession).where(*mine).values(token_hash=sha256(sid), **values))
    db.session.commit()
    session["sid"] = sid


def end_session(session_id: int | None) -> None:
    """End one page session; its cookie opens nothing any more. Commits."""
    if session_id is None:
        return
    live = (UserSession.id == session_id, UserSession.ended_at.is_(None))
    db.session.execute(update(UserSession).where(*live).values(ended_at=clock.now()))
    db.session.commit()
