"""Tokens of the API: a short access token and a refresh token that works once."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import aliased

from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit import recording
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.person import SYSTEM
from hms.core.text.translation import N_, Sentence
from hms.staff import directory, notifier
from hms.staff.login_security.errors import SignInRefused
from hms.staff.models import RefreshToken, User
from hms.staff.request_user import access_token, new_token, sha256
from hms.staff.sign_in.authentication import AuthenticatedAccount

REFRESH_HOURS = 24


def issue_pair(signed_in: AuthenticatedAccount) -> dict[str, str]:
    """A new pair {"access", "refresh"} that starts a family. Commits."""
    return _new_pair(signed_in, secrets.token_urlsafe(12), clock.now() + timedelta(hours=REFRESH_HOURS))


def _new_pair(signed_in: AuthenticatedAccount, family: str, expires: datetime) -> dict[str, str]:
    refresh, version = new_token(), signed_in.token_version
    kept = {"token_hash": sha256(refresh), "family": family, "expires_at": expires, "token_version": version}
    db.session.add(RefreshToken(user_id=signed_in.user_id, **kept))
    db.session.commit()
    return {"refresh": refresh, "access": access_token(signed_in.user_id, version, family)}


def rotate_pair(refresh: str) -> dict[str, str]:
    """The next pair of the family, which ends a day after its sign-in; raises `SignInRefused`.

    A token used twice ends its whole family, access tokens too: one of the two users is a thief. A token older than the
    account's present password, role or second factor is worth nothing.
    """
    token_hash, now = sha256(refresh), clock.now()
    fresh = (RefreshToken.token_hash == token_hash, RefreshToken.used_at.is_(None), ~_family_has_ended())
    use = update(RefreshToken).where(*fresh, RefreshToken.expires_at > now).values(used_at=now)
    used = db.session.execute(use.returning(*_USED_COLUMNS)).first()
    user = db.session.get(User, used.user_id) if used else None
    if used is None or user is None or not user.is_active or user.token_version != used.token_version:
        _end_family(token_hash, is_reuse=used is None)
        raise SignInRefused(N_("Token is invalid"), code="token_not_valid")
    return _new_pair(AuthenticatedAccount(user.id, user.token_version), used.family, used.expires_at)


_USED_COLUMNS = (RefreshToken.family, RefreshToken.user_id, RefreshToken.token_version, RefreshToken.expires_at)


def _family_has_ended() -> ColumnElement[bool]:
    """Whether the token's family has ended: one that was issued at the same moment may not be revoked itself."""
    other = aliased(RefreshToken)
    return select(other.id).where(other.family == RefreshToken.family, other.revoked_at.is_not(None)).exists()


def _end_family(token_hash: bytes, *, is_reuse: bool) -> None:
    """End the family of a token that was refused, if it is one of ours; a used one is told to people, once. Commits."""
    with action_context("staff.end_token_family", SYSTEM):
        query = select(RefreshToken, _family_has_ended()).where(RefreshToken.token_hash == token_hash)
        found = db.session.execute(query.with_for_update(of=RefreshToken)).one_or_none()
        if found is None:
            return
        token, has_ended = found
        _revoke(RefreshToken.family == token.family)
        if is_reuse and token.used_at is not None:
            recording.record(
                "staff.refresh_token_reused", None, entity="app_user", entity_id=token.user_id, outcome="denied"
            )
            if not has_ended:
                _warn_of_reuse(token.user_id)


def _warn_of_reuse(user_id: int) -> None:
    """Tell the owner and everybody who watches the sign-ins; in English, as the request may be the thief's."""
    user = db.session.get_one(User, user_id)
    notifier.notify(
        user_id,
        title=N_("A program signed in to your account was signed out"),
        message=N_(
            "Its refresh token was used twice, so somebody may have copied it. Sign the program in again; if you use none, "
            "change your password."
        ),
        url="/profile/security",
        by=SYSTEM,
    )
    for watcher in directory.user_ids_with_permission(Permission.READ_SIGN_INS):
        if watcher != user_id:
            notifier.notify(
                watcher,
                title=str(Sentence(N_("A refresh token of %(name)s was used twice"), name=user.display_name)),
                message=N_(
                    "Somebody may have copied it. Its program was signed out. Ask the owner which programs they use."
                ),
                url=f"/admin/users/{user_id}",
                by=SYSTEM,
            )


def revoke_all(user_id: int) -> None:
    """End every refresh token of the account, within the caller's transaction."""
    _revoke(RefreshToken.user_id == user_id)


def _revoke(of_whom: ColumnElement[bool]) -> None:
    live = (of_whom, RefreshToken.revoked_at.is_(None))
    db.session.execute(update(RefreshToken).where(*live).values(revoked_at=clock.now()))
