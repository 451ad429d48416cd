"""Once more, who is at the keyboard: a fresh password or code before an act that must not be somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from flask import has_request_context
from sqlalchemy import select

from hms.core import actions, clock
from hms.core.db.session import db, get_or_not_found
from hms.core.errors import RuleBroken
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.staff.login_security import activity, attempts, passwords
from hms.staff.login_security.errors import LockedOut
from hms.staff.models import User, UserSession
from hms.staff.second_factor import codes

from . import authentication

RECENT = timedelta(minutes=5)


def reauthenticate(password_or_code: str | None, *, by: Person, field: str = "proof") -> None:
    """Check that `by` knows their password, or reads the present code of their second factor (or a recovery code).

    Raises `RuleBroken` on `field`, or `LockedOut` (429) after five wrong tries. Commits, because each try is counted before
    it is checked: call it before an action, never inside one. On a page the session gets a new id.
    """
    if actions.current_action() is not None:
        raise RuntimeError("confirm_identity commits: call it before the action")
    if not password_or_code:
        raise RuleBroken(N_("Enter your password, or the code of your authenticator app."), field)
    user = get_or_not_found(User, by.id)
    with attempts.counted_attempt(attempts.limits_for("proof", user, user.username), user, user.username) as attempt:
        is_proven = _is_correct(user, password_or_code)
        left = None if is_proven else attempt.failed()
        if is_proven:
            attempt.succeeded()
    activity.record_login(
        user, user.username, "confirmed" if is_proven else "lockout" if left == 0 else "not_confirmed"
    )
    if not is_proven:
        raise RuleBroken(N_("This is not your password or a current code."), field, code="not_confirmed")
    if has_request_context() and by.session_id is not None:
        authentication.renew_session(by.session_id, confirmed_at=clock.now())


def _is_correct(user: User, typed: str) -> bool:
    if user.two_factor_enabled and codes.use_code(user, typed) is codes.CORRECT:
        return True
    return passwords.is_correct(user.password_hash, typed)


def is_recent(by: Person) -> bool:
    """Whether `by` proved within five minutes, at this session, who they are."""
    if by.session_id is None:
        return False
    lately = (UserSession.id == by.session_id, UserSession.confirmed_at > clock.now() - RECENT)
    return db.session.execute(select(UserSession.id).where(*lately)).scalar_one_or_none() is not None


def with_reauthentication(action: Callable[..., Any], field: str = "proof") -> Callable[..., Any]:
    """Make `action` need re-authentication: `form.save(with_reauthentication(actions.break_glass), by=…)`.

    The form brings the proof in a field named `field`; the action does not see it. Too many tries are told at the field.
    """

    @wraps(action)
    def perform(*args: Any, by: Person, **values: Any) -> Any:
        try:
            reauthenticate(values.pop(field, None), by=by, field=field)
        except LockedOut as locked:
            raise RuleBroken.from_error(locked, field, code=locked.code) from locked
        return action(*args, by=by, **values)

    return perform


def with_recent_authentication(action: Callable[..., Any], who: Person) -> Callable[..., Any]:
    """`action` as it is within five minutes of a proof, else behind a fresh one, which the form then asks for."""
    return _without_proof(action) if is_recent(who) else with_reauthentication(action)


def _without_proof(action: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *, by, proof=None, **values: action(by=by, **values)
