"""Tokens of the API: a short access token and a refresh token that works once."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import select, update

from hms.core import audit, clock
from hms.core.db import db
from hms.core.words import _

from .errors import SignInRefused
from .identity import access_token, new_token, sha256
from .models import RefreshToken, User
from .signing_in import SignedIn

REFRESH_HOURS = 24


def issue(signed_in: SignedIn) -> dict[str, str]:
    """A new pair {"access", "refresh"} that starts a family. Commits."""
    return _pair(signed_in.user_id, signed_in.token_version, secrets.token_urlsafe(12))


def _pair(user_id: int, version: int, family: str) -> dict[str, str]:
    refresh = new_token()
    expires = clock.now() + timedelta(hours=REFRESH_HOURS)
    db.session.add(RefreshToken(token_hash=sha256(refresh), family=family, user_id=user_id, expires_at=expires))
    db.session.commit()
    return {"refresh": refresh, "access": access_token(user_id, version)}


def rotate(refresh: str) -> dict[str, str]:
    """The next pair; raises `SignInRefused`. A token used twice revokes its whole family: one of the two users is a thief."""
    row, now = sha256(refresh), clock.now()
    fresh = (RefreshToken.token_hash == row, RefreshToken.used_at.is_(None), RefreshToken.revoked_at.is_(None))
    use = update(RefreshToken).where(*fresh, RefreshToken.expires_at > now).values(used_at=now)
    used = db.session.execute(use.returning(RefreshToken.family, RefreshToken.user_id)).first()
    user = db.session.get(User, used.user_id) if used else None
    if used is None or user is None or not user.is_active:
        _revoke_family(row)
        raise SignInRefused(_("Token is invalid"), code="token_not_valid")
    return _pair(user.id, user.token_version, used.family)


def _revoke_family(token_hash: bytes) -> None:
    family = db.session.scalars(select(RefreshToken.family).filter_by(token_hash=token_hash)).one_or_none()
    if family is not None:
        db.session.execute(update(RefreshToken).where(RefreshToken.family == family).values(revoked_at=clock.now()))
        audit.record("staff.refresh_token_reused", None, outcome="denied")
    db.session.commit()
