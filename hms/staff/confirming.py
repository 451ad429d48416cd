"""Once more, who is at the keyboard: a fresh password or code before an act that must not be somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import has_request_context

from hms.core import actions
from hms.core.db import found
from hms.core.errors import RuleBroken
from hms.core.people import Person
from hms.core.words import _

from . import signing_in
from .errors import Locked
from .models import User


def confirm_identity(password_or_code: str | None, *, by: Person, field: str = "proof") -> None:
    """Check that `by` knows their password, or reads the present code of their second factor.

    Raises `RuleBroken` on `field`, or `Locked` (429) after five wrong tries. Commits, because each try is counted before
    it is checked: call it before an action, never inside one. The session gets a new id.
    """
    if actions.current() is not None:
        raise RuntimeError("confirm_identity commits: call it before the action")
    if not password_or_code:
        raise RuleBroken(_("Enter your password, or the code of your authenticator app."), field)
    user = found(User, by.id)
    if not signing_in.is_proven(user, password_or_code):
        raise RuleBroken(_("That is not your password, nor a fresh code."), field, code="not_confirmed")
    if has_request_context() and by.session_id is not None:
        signing_in.renew_session(by.session_id)


def confirmed(action: Callable[..., Any], field: str = "proof") -> Callable[..., Any]:
    """`action` behind a fresh proof, for `form.save(confirmed(actions.open_restricted), by=person())`.

    The form brings the proof in a field named `field`; the action does not see it. Too many tries are told at the field.
    """

    @wraps(action)
    def perform(*args: Any, by: Person, **values: Any) -> Any:
        try:
            confirm_identity(values.pop(field, None), by=by, field=field)
        except Locked as locked:
            raise RuleBroken(locked.message, field, code=locked.code) from locked
        return action(*args, by=by, **values)

    return perform
