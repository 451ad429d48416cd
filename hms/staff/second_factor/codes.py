"""The second factor: time-based one-time codes (RFC 6238), or a recovery code; each opens once."""

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
    """Encrypts with the first of TOTP_KEYS, decrypts with any of them."""
    keys = (hashlib.sha256(key.encode()).digest() for key in current_app.config["TOTP_KEYS"])
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


def encrypt_secret(secret: str) -> str:
    """A secret as it is stored."""
    return cipher().encrypt(secret.encode()).decode()


def decrypt_secret(stored: str) -> str | None:
    """The secret behind what is stored; None when no key of ours opens it."""
    try:
        return cipher().decrypt(stored.encode()).decode()
    except InvalidToken:
        return None


def clean_code(code: str) -> str:
    """What was typed without the blanks that apps show in the middle."""
    return re.sub(r"[ \u00a0-]", "", code)


def matching_step(secret: str, code: str, now: int) -> int | None:
    """The time step at which `code` is right, one step before to one after `now` (UTC seconds); None when it is not."""
    if not _CODE.fullmatch(code):
        return None
    totp, found = pyotp.TOTP(secret), None
    for shift in (-1, 0, 1):
        at = datetime.fromtimestamp(now + STEP_SECONDS * shift, UTC)
        if secrets.compare_digest(totp.at(at), code):
            found = now // STEP_SECONDS + shift
    return found


def verify_code(user: User, code: str, typed_name: str) -> None:
    """Pass when `code` is the account's present one or an unused recovery code; else `SignInRefused` or `Locked`."""
    with attempts.counted_attempt(attempts.limits_for("code", user, typed_name), user, typed_name) as attempt:
        verdict = use_code(user, code)
        if verdict is CORRECT:
            attempt.succeeded()
            return
        left = attempt.failed()
    activity.record_login(
        user, typed_name, "lockout" if left == 0 else "otp_replayed" if verdict is REPLAYED else "otp_failed"
    )
    if verdict is REPLAYED:
        raise SignInRefused(N_("That code was already used. Wait for the next one."), "otp", code="otp_replayed")
    raise SignInRefused(N_("Wrong code. Enter the code your app shows now."), "otp", code="otp_wrong")


def use_code(user: User, code: str) -> str:
    """Use `code` up: RIGHT the first time, REPLAYED when its time step was used, WRONG. Commits when it was right."""
    secret = decrypt_secret(user.totp_secret or "")
    step = matching_step(secret, clean_code(code), int(clock.now().timestamp())) if secret else None
    if step is None:
        return CORRECT if recovery_codes.use_code(user, code) else WRONG
    newer = (User.id == user.id, func.coalesce(User.totp_step, -1) < step)
    with action_context("staff.use_code", SYSTEM):
        is_first = db.session.execute(update(User).where(*newer).values(totp_step=step)).rowcount == 1
    return CORRECT if is_first else REPLAYED
