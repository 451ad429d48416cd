"""Queries for the list of accounts: filtered by state, searched, in pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, and_, false, func, or_, select, tuple_
from sqlalchemy.orm import joinedload

from hms.core import clock
from hms.core.db.name_order import name_order
from hms.core.db.session import db, get_or_not_found
from hms.core.text.cleaning import escape_like, is_only_punctuation
from hms.staff.models import AttemptCounter, LoginActivity, OneTimeLink, User

ROWS = 25
_BY_NAME = (*name_order(User.last_name, User.first_name), User.id)
STATES: dict[str, str] = {
    "active": _l("Active"),
    "asked": _l("Waiting for approval"),
    "locked": _l("Locked"),
    "no_second_factor": _l("No second factor"),
    "never": _l("Never signed in"),
    "closed": _l("Closed"),
}

_LAST_SIGN_IN = (
    select(func.max(LoginActivity.at))
    .where(LoginActivity.user_id == User.id, LoginActivity.status == "success")
    .correlate(User)
    .scalar_subquery()
)


def _is_locked() -> Any:
    """Condition: the account is locked out now."""
    locked = (AttemptCounter.user_id == User.id, AttemptCounter.locked_until > clock.now())
    return select(AttemptCounter.id).where(*locked).correlate(User).exists()


def _conditions() -> dict[str, Any]:
    return {
        "active": User.is_active,
        "asked": User.awaits_approval,
        "locked": and_(User.is_active, _is_locked()),
        "no_second_factor": and_(User.is_active, User.totp_secret.is_(None)),
        "never": and_(User.is_active, _LAST_SIGN_IN.is_(None)),
        "closed": and_(User.is_active.is_(False), User.awaits_approval.is_(False)),
    }


def select_accounts(*, state: str | None = None, search: str = "", after: tuple[str, str, int] | None = None) -> Select:
    """A query for accounts by name with role, last sign-in and `is_locked`; `after` is the last sort key before it."""
    query = select(User, _LAST_SIGN_IN.label("last_sign_in"), _is_locked().label("is_locked")).options(
        joinedload(User.role)
    )
    if state in STATES:
        query = query.where(_conditions()[state])
    if search:
        pattern = f"%{escape_like(search)}%"
        columns = (User.username, User.email, User.first_name, User.last_name, User.first_name + " " + User.last_name)
        matches = or_(*(column.ilike(pattern, escape="\\") for column in columns))
        query = query.where(false() if is_only_punctuation(search) else matches)
    if after is not None:
        query = query.where(tuple_(*_BY_NAME) > tuple_(*name_order(*after[:2]), after[2]))
    return query.order_by(*_BY_NAME)


def sort_key(user_id: int) -> tuple[str, str, int] | None:
    """The values by which an account is sorted in the list; None when it does not exist."""
    user = db.session.get(User, user_id)
    return (user.last_name, user.first_name, user.id) if user else None


def count_by_state() -> dict[str, int]:
    """The number of accounts in each state, in the order of `STATES`."""
    conditions = _conditions()
    row = db.session.execute(
        select(*(func.count().filter(condition).label(state) for state, condition in conditions.items())).select_from(
            User
        )
    ).one()
    return dict(row._mapping)


@dataclass(frozen=True)
class Account:
    """An account with the facts its page shows: last sign-in, lockout, open one-time link."""

    user: User
    last_sign_in: datetime | None
    is_locked: bool
    link: OneTimeLink | None


def get_account(user_id: int) -> Account:
    """An account with role and department; raises `NotFound`."""
    query = select(User, _LAST_SIGN_IN, _is_locked()).where(User.id == user_id)
    row = db.session.execute(query.options(joinedload(User.role), joinedload(User.department))).unique().first()
    if row is None:
        get_or_not_found(User, user_id)
    user, last, is_locked = row
    open_link = select(OneTimeLink).where(
        OneTimeLink.user_id == user_id,
        OneTimeLink.used_at.is_(None),
        OneTimeLink.ended_at.is_(None),
        OneTimeLink.expires_at > clock.now(),
    )
    return Account(user, last, is_locked, db.session.scalars(open_link).one_or_none())
