"""Tokens of the API: a short access token and a refresh token that works once."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update

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
    return _pair(signed_in, secrets.token_urlsafe(12), clock.now() + timedelta(hours=REFRESH_HOURS))


def _pair(signed_in: SignedIn, family: str, expires: datetime) -> dict[str, str]:
    refresh, version = new_token(), signed_in.token_version
    kept = {"token_hash": sha256(refresh), "family": family, "expires_at": expires, "token_version": version}
    db.session.add(RefreshToken(user_id=signed_in.user_id, **kept))
    db.session.commit()
    return {"refresh": refresh, "access": access_token(signed_in.user_id, version)}


def rotate(refresh: str) -> dict[str, str]:
    """The next pair of the family, which ends a day after its sign-in; raises `SignInRefused`.

    A token used twice revokes its whole family: one of the two users is a thief. A token older than the account's present
    password, role or second factor is worth nothing.
    """
    token_hash, now = sha256(refresh), clock.now()
    fresh = (RefreshToken.token_hash == token_hash, RefreshToken.used_at.is_(None), RefreshToken.revoked_at.is_(None))
    use = update(RefreshToken).where(*fresh, RefreshToken.expires_at > now).values(used_at=now)
    used = db.session.execute(use.returning(*_USED)).first()
    user = db.session.get(User, used.user_id) if used else None
    if used is None or user is None or not user.is_active or user.token_version != used.token_version:
        _revoke_family(token_hash)
        raise SignInRefused(_("Token is invalid"), code="token_not_valid")
    return _pair(SignedIn(user.id, user.token_version), used.family, used.expires_at)


_USED = (RefreshToken.family, RefreshToken.user_id, RefreshToken.token_version, RefreshToken.expires_at)


def _revoke_family(token_hash: bytes) -> None:
    family = db.session.scalars(select(RefreshToken.family).filter_by(token_hash=token_hash)).one_or_none()
    if family is not None:
        _revoke(RefreshToken.family == family)
        audit.record("staff.refresh_token_reused", None, outcome="denied")
    db.session.commit()


def revoke_all(user_id: int) -> None:
    """End every refresh token of the account, within the caller's transaction."""
    _revoke(RefreshToken.user_id == user_id)


def _revoke(of_whom: ColumnElement[bool]) -> None:
    live = (of_whom, RefreshToken.revoked_at.is_(None))
    db.session.execute(update(RefreshToken).where(*live).values(revoked_at=clock.now()))
