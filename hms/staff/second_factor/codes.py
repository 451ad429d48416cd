"""The second factor: time-based one-time codes (RFC 6238) or recovery codes. Each code works once."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from datetime import UTC, datetime

import pyotp
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app
from sqlalchemy import func, update

from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db
from hms.core.person import SYSTEM
from hms.core.text.translation import N_
from hms.staff.login_security import activity, attempts
from hms.staff.login_security.errors import SignInRefused
from hms.staff.models import User

from . import recovery_codes

_CODE = re.compile(r"[0-9]{6}", re.ASCII)
STEP_SECONDS = 30
CORRECT, REPLAYED, WRONG = "right", "replayed", "wrong"


def cipher() -> MultiFernet:
    """A cipher that encrypts with the first of TOTP_KEYS and decrypts with any of them."""
    keys = (hashlib.sha256(key.encode()).digest() for key in current_app.config["TOTP_KEYS"])
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


def encrypt_secret(secret: str) -> str:
    """The encrypted secret, as it is stored."""
    return cipher().encrypt(secret.encode()).decode()


def decrypt_secret(stored: str) -> str | None:
    """The secret of a stored value; None when no key of TOTP_KEYS opens it."""
    try:
        return cipher().decrypt(stored.encode()).decode()
    except InvalidToken:
        return None


def clean_code(code: str) -> str:
    """The typed code without the spaces that apps show in the middle."""
    return re.sub(r"[ \u00a0-]", "", code)


def matching_step(secret: str, code: str, now: int) -> int | None:
    """The time step of `code`, at most one step from `now` (Unix seconds); None when the code is wrong."""
    if not _CODE.fullmatch(code):
        return None
    totp, step = pyotp.TOTP(secret), None
    for shift in (-1, 0, 1):
        at = datetime.fromtimestamp(now + STEP_SECONDS * shift, UTC)
        if secrets.compare_digest(totp.at(at), code):
            step = now // STEP_SECONDS + shift
    return step


def verify_code(user: User, code: str, typed_name: str) -> None:
    """Check a code or recovery code and use it up. Raises `SignInRefused` or `LockedOut`. Commits."""
    with attempts.counted_attempt(attempts.limits_for("code", user, typed_name), user, typed_name) as attempt:
        result = use_code(user, code)
        if result is CORRECT:
            attempt.mark_succeeded()
            return
        left = attempt.mark_failed()
    activity.record_login(
        user, typed_name, "lockout" if left == 0 else "otp_replayed" if result is REPLAYED else "otp_failed"
    )
    if result is REPLAYED:
        raise SignInRefused(N_("This code was already used. Wait for the next one."), "otp", code="otp_replayed")
    raise SignInRefused(N_("Wrong code. Enter the code your app shows now."), "otp", code="otp_wrong")


def use_code(user: User, code: str) -> str:
    """Use up `code`; return CORRECT, REPLAYED when its time step was used before, or WRONG. Commits when correct."""
    secret = decrypt_secret(user.totp_secret or "")
    step = matching_step(secret, clean_code(code), int(clock.now().timestamp())) if secret else None
    if step is None:
        return CORRECT if recovery_codes.use_code(user, code) else WRONG
    is_unused = (User.id == user.id, func.coalesce(User.totp_step, -1) < step)
    with action_context("staff.use_code", SYSTEM):
        is_first = db.session.execute(update(User).where(*is_unused).values(totp_step=step)).rowcount == 1
    return CORRECT if is_first else REPLAYED
