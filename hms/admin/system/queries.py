"""Everybody's sign-ins, and how the system is; the trail has its own file."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from flask import current_app
from sqlalchemy import Select, func, or_, select

from hms.core import clock
from hms.core.background import redis
from hms.core.background.outbox import Outbox
from hms.core.db.session import db
from hms.staff.login_security import activity
from hms.staff.models import LoginActivity, User
from hms.staff.role_requests import queries


def _account(username: str) -> Any:
    return select(User.id).where(func.lower(User.username) == username.lower()).scalar_subquery()


@dataclass(frozen=True)
class SignInFilter:
    """Which tries to sign in are asked for; None means any. Days are hospital days, both included."""

    day_from: date | None = None
    day_to: date | None = None
    account: str | None = None
    address: str | None = None
    outcome: str | None = None
    before: int | None = None


def sign_ins(wanted: SignInFilter = SignInFilter()) -> Select:
    """Tries to sign in with the account they named, newest first."""
    query = select(LoginActivity, User.username).outerjoin(User, LoginActivity.user_id == User.id)
    if wanted.before:
        query = query.where(LoginActivity.id < wanted.before)
    if wanted.day_from:
        query = query.where(LoginActivity.at >= clock.day_bounds(wanted.day_from)[0])
    if wanted.day_to:
        query = query.where(LoginActivity.at < clock.day_bounds(wanted.day_to)[1])
    if wanted.account:
        typed = func.lower(LoginActivity.typed_name) == wanted.account.lower()
        query = query.where(or_(typed, LoginActivity.user_id == _account(wanted.account)))
    if wanted.address:
        query = query.where(func.host(LoginActivity.ip) == wanted.address)
    if wanted.outcome:
        query = query.where(LoginActivity.status.in_(_statuses(wanted.outcome)))
    return query.order_by(LoginActivity.id.desc())


def _statuses(outcome: str) -> tuple[str, ...]:
    refused = tuple(status for status in activity.OUTCOMES if status not in activity.SUCCESSFUL)
    return {"good": tuple(activity.SUCCESSFUL), "refused": refused}.get(outcome, (outcome,))


@dataclass(frozen=True)
class Health:
    """Whether each part answers; `waiting` and `dead` count pieces of work in the outbox, `free_gb` is disk space."""

    database: bool
    broker: bool
    waiting: int
    dead: int
    free_gb: int

    @property
    def is_well(self) -> bool:
        return self.database and self.broker and self.dead == 0


def health() -> Health:
    """How the system is at this moment."""
    waiting, dead = db.session.execute(_undone()).one()
    free = shutil.disk_usage(_existing(current_app.config["DATA_DIR"])).free // 2**30
    return Health(True, redis.is_available(), waiting, dead, free)


@cache
def _undone() -> Select:
    return select(
        func.count().filter(Outbox.dead_at.is_(None)), func.count().filter(Outbox.dead_at.is_not(None))
    ).where(Outbox.done_at.is_(None))


def _existing(folder: Any) -> Any:
    return folder if folder.exists() else folder.parent


def figures() -> dict[str, int]:
    """Counts for the administrator's page: accounts, failed sign-ins today, requests for roles."""
    return {
        "active_users": db.session.execute(select(func.count()).where(User.is_active)).scalar_one(),
        "failed_sign_ins": failed_sign_ins(),
        "role_requests": queries.count_waiting(),
    }


def failed_sign_ins() -> int:
    """Tries to sign in that failed today."""
    return db.session.execute(_failed(*clock.day_bounds(clock.today()))).scalar_one()


def _failed(start: Any, end: Any) -> Select:
    tries = (LoginActivity.at >= start, LoginActivity.at < end)
    return select(func.count()).where(*tries, LoginActivity.status.in_(_statuses("refused")))
