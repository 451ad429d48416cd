"""Authentication: check username, password and code. Each attempt is counted before hashing; all failures look the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import request, session
from sqlalchemy import func, literal, or_, select, update

from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.folding import lowered
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
    """An account whose password is checked: its id, and the version its tokens must have."""

    user_id: int
    token_version: int


@concurrent_attempts.limit_concurrency()
def authenticate(name: str, password: str, otp: str | None = None, *, is_program: bool = False) -> AuthenticatedAccount:
    """Check username or e-mail, password and code. Raises `SignInRefused`, `OtpRequired` or `LockedOut`. Commits.

    A program whose account lacks a required second factor is refused with `EnrolmentRequired`.
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
    """The active account with this name and password; raises `SignInRefused` or `LockedOut`. Commits.

    An unknown name, a wrong password, a closed account and an account without password are refused alike, in the same time.
    """
    user = find_account(name)
    with attempts.counted_attempt(attempts.limits_for("password", user, name), user, name) as attempt:
        if passwords.is_correct(user.password_hash if user else None, password) and user and user.is_active:
            attempt.mark_succeeded()
            _renew_hash(user, password)
            return user
        left = attempt.mark_failed()
    activity.record_login(user, name, "failed" if left else "lockout")
    raise SignInRefused(_wrong_password_message(left), code="no_active_account")


def complete_sign_in(user: User, name: str) -> AuthenticatedAccount:
    """Record the successful sign-in. Commits."""
    activity.record_login(user, name, "success")
    return AuthenticatedAccount(user.id, user.token_version)


def _wrong_password_message(left: int) -> Sentence:
    if left < 1:
        until = clock.now() + attempts.LOCKOUT_LENGTH
        return joined((Sentence(N_("Wrong username or password.")), attempts.lockout_message(until)))
    if left == 1:
        return Sentence(N_("Wrong username or password. 1 attempt left before a 15-minute lock."))
    message = N_("Wrong username or password. %(count)s attempts left before a 15-minute lock.")
    return Sentence(message, count=left)


def find_account(name: str) -> User | None:
    """The account with this username or e-mail address, ignoring case; None without one."""
    folded = name.strip().casefold()[:254]
    query = select(User).where(
        or_(func.lower(User.username) == folded, (lowered(User.email) == lowered(literal(folded))) & (User.email != ""))
    )
    return db.session.scalars(query.order_by(User.id).limit(1)).one_or_none()


def _renew_hash(user: User, password: str) -> None:
    """Replace an outdated hash, now that the password is known."""
    if user.password_hash and passwords.is_outdated(user.password_hash):
        new_hash = passwords.hash_secret(password)
        with action_context("staff.renew_password_hash", SYSTEM):
            unchanged = (User.id == user.id, User.password_hash == user.password_hash)
            db.session.execute(update(User).where(*unchanged).values(password_hash=new_hash))


def open_session(signed_in: AuthenticatedAccount, *, until: datetime | None = None) -> str:
    """Start a page session, at most until `until`, and return the secret for the cookie. Commits."""
    sid, now = new_token(), clock.now()
    latest_end = now + timedelta(hours=settings.value("staff.session_hours"))
    row = UserSession(
        token_hash=sha256(sid),
        user_id=signed_in.user_id,
        role_id=db.session.execute(select(User.role_id).filter_by(id=signed_in.user_id)).scalar_one(),
        created_at=now,
        last_seen_at=now,
        confirmed_at=now,
        expires_at=min(latest_end, until or latest_end),
        ip=request.remote_addr,
        user_agent=activity.user_agent(),
    )
    db.session.add(row)
    db.session.commit()
    return sid


def renew_session(session_id: int, **values: object) -> None:
    """Give the page session a new secret and set `values`; a copy of the old cookie stops working. Commits."""
    sid = new_token()
    is_live = (UserSession.id == session_id, UserSession.ended_at.is_(None))
    db.session.execute(update(UserSession).where(*is_live).values(token_hash=sha256(sid), **values))
    db.session.commit()
    session["sid"] = sid


def end_session(session_id: int | None) -> None:
    """End one page session; None does nothing. Commits."""
    if session_id is None:
        return
    is_live = (UserSession.id == session_id, UserSession.ended_at.is_(None))
    db.session.execute(update(UserSession).where(*is_live).values(ended_at=clock.now()))
    db.session.commit()
