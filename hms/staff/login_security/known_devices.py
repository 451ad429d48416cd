"""Known devices: a signed cookie with a random secret, and a row for each account that signed in with it."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from flask import Response, after_this_request, current_app, g
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from hms.core import clock
from hms.core.db.session import db
from hms.core.web.computer_cookies import read_computer_cookie, set_computer_cookie
from hms.staff.models import AttemptCounter, KnownDevice, User

DEVICE_COOKIE = "hms_device"
DEVICE_LIFETIME = timedelta(days=90)
PIN_LIFETIME = timedelta(hours=12)


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="known device")


def _secret_of_request() -> str | None:
    try:
        return str(_signer().loads(read_computer_cookie(DEVICE_COOKIE), max_age=DEVICE_LIFETIME.total_seconds()))
    except BadData:
        return None


def hash_of_request() -> bytes | None:
    """The SHA-256 of the device's secret; None when the cookie is missing, forged or older than 90 days."""
    secret = _secret_of_request()
    return hashlib.sha256(secret.encode()).digest() if secret else None


def is_known(device: bytes, user_id: int) -> bool:
    """Whether the account signed in with its password at this device within ninety days."""
    is_recent = KnownDevice.signed_in_at > clock.now() - DEVICE_LIFETIME
    row = exists().where(KnownDevice.device_hash == device, KnownDevice.user_id == user_id, is_recent)
    return bool(db.session.execute(select(row)).scalar_one())


def remember_device(user_id: int, now: datetime) -> None:
    """Record a sign-in with password at this device: it is known for ninety days, and the PIN works for twelve hours. Commits."""
    secret = _secret_of_request() or secrets.token_urlsafe(24)
    device = hashlib.sha256(secret.encode()).digest()
    until = {"signed_in_at": now, "pin_until": now + PIN_LIFETIME}
    row = insert(KnownDevice).values(device_hash=device, user_id=user_id, **until)
    db.session.execute(
        row.on_conflict_do_update(index_elements=[KnownDevice.device_hash, KnownDevice.user_id], set_=until)
    )
    db.session.execute(delete(AttemptCounter).where(AttemptCounter.key == pin_attempt_key(device, user_id)))
    db.session.commit()
    g.device_cookie = _signer().dumps(secret)
    after_this_request(_set_cookie)


def _set_cookie(response: Response) -> Response:
    set_computer_cookie(response, DEVICE_COOKIE, g.pop("device_cookie"), DEVICE_LIFETIME)
    return response


def pin_attempt_key(device: bytes, user_id: int) -> str:
    """The key of `AttemptCounter` for wrong PINs of the account at this device."""
    return f"pin:account {user_id}@{device.hex()}"


def pin_valid_until(device: bytes | None, user_id: int) -> datetime | None:
    """Until when the account's PIN unlocks pages at this device; None when it does not."""
    if device is None:
        return None
    here = (KnownDevice.device_hash == device, KnownDevice.user_id == user_id, KnownDevice.pin_until > clock.now())
    return db.session.execute(select(KnownDevice.pin_until).where(*here)).scalar_one_or_none()


def end_pin(device: bytes, user_id: int) -> None:
    """The PIN no longer works at this device until the account signs in with its password. The caller commits."""
    here = (KnownDevice.device_hash == device, KnownDevice.user_id == user_id)
    db.session.execute(update(KnownDevice).where(*here).values(pin_until=None))


def users_with_pin(device: bytes | None) -> list[User]:
    """The people who can unlock this device with a PIN, the last to sign in first."""
    if device is None:
        return []
    here = (KnownDevice.device_hash == device, KnownDevice.pin_until > clock.now())
    query = select(User).join(KnownDevice, KnownDevice.user_id == User.id)
    query = query.where(*here, User.is_active, User.pin_hash.is_not(None)).order_by(KnownDevice.signed_in_at.desc())
    return list(db.session.scalars(query).unique())
