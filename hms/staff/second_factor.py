"""The second factor: time-based one-time codes (RFC 6238); a code opens once."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

import pyotp
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app
from sqlalchemy import func, update

from hms.core import clock
from hms.core.actions import name_transaction
from hms.core.db import db
from hms.core.people import SYSTEM
from hms.core.words import _

from .errors import OtpRequired, SignInRefused
from .models import User

_CODE = re.compile(r"[0-9]{6}", re.ASCII)
STEP_SECONDS = 30


def _box() -> MultiFernet:
    keys = (hashlib.sha256(key.encode()).digest() for key in current_app.config["TOTP_KEYS"])
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


def seal(secret: str) -> str:
    """A secret as it is stored: encrypted with the first of TOTP_KEYS, readable with any of them."""
    return _box().encrypt(secret.encode()).decode()


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


def check(user: User, code: str | None, note: Callable[[str], None]) -> None:
    """Pass when the account has no second factor or `code` is right and new; else raise what the sign-in page shows."""
    if user.totp_secret is None:
        return
    if not code:
        note("otp_needed")
        raise OtpRequired(_("Enter the 6-digit code from your authenticator app."))
    if not _use(user, code):
        note("otp_failed")
        raise SignInRefused(
            _("That code is not right or was already used. Wait for the next one."), "otp", code="otp_wrong"
        )


def is_fresh_code(user: User, code: str) -> bool:
    """Whether `code` is the account's present code, used for the first time; the use is kept when the caller commits."""
    return user.totp_secret is not None and _use(user, code)


def _use(user: User, code: str) -> bool:
    try:
        secret = _box().decrypt((user.totp_secret or "").encode()).decode()
    except InvalidToken:
        return False
    step = matching_step(secret, code, int(clock.now().timestamp()))
    if step is None:
        return False
    newer = (User.id == user.id, func.coalesce(User.totp_step, -1) < step)
    name_transaction("staff.use_code", SYSTEM)
    return db.session.execute(update(User).where(*newer).values(totp_step=step)).rowcount == 1
