"""Reads for the administration: sign-in attempts, system status, and counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Select, func, or_, select

from hms.core import clock, disk_space
from hms.core.background import outbox, redis
from hms.core.background.outbox import Outbox
from hms.core.db.session import db
from hms.core.web.parameters import Bounds
from hms.staff.login_security import activity
from hms.staff.models import LoginActivity, User
from hms.staff.role_requests import queries


def _account(username: str) -> Any:
    return select(User.id).where(func.lower(User.username) == username.lower()).scalar_subquery()


@dataclass(frozen=True)
class SignInFilter:
    """The filters of the sign-in attempts; None means any. Days are in hospital time, both included."""

    day_from: date | None = None
    day_to: date | None = None
    account: str | None = None
    address: str | None = None
    outcome: str | None = None
    before: int | None = None


def select_sign_ins(filters: SignInFilter = SignInFilter()) -> Select:
    """Sign-in attempts with the username of the account, newest first."""
    query = select(LoginActivity, User.username).outerjoin(User, LoginActivity.user_id == User.id)
    if filters.before:
        query = query.where(LoginActivity.id < filters.before)
    query = query.where(*Bounds.of_days(filters.day_from, filters.day_to).conditions(LoginActivity.at))
    if filters.account:
        typed = func.lower(LoginActivity.typed_name) == filters.account.lower()
        query = query.where(or_(typed, LoginActivity.user_id == _account(filters.account)))
    if filters.address:
        query = query.where(func.host(LoginActivity.ip) == filters.address)
    if filters.outcome:
        query = query.where(LoginActivity.status.in_(_statuses(filters.outcome)))
    return query.order_by(LoginActivity.id.desc())


def sign_in_values(row: Any) -> dict[str, Any]:
    """The fields of a row of `select_sign_ins` for the API and for files."""
    attempt: LoginActivity = row.LoginActivity
    return {
        "id": attempt.id,
        "user": attempt.user_id,
        "username": row.username or attempt.typed_name,
        "timestamp": attempt.at,
        "ip_address": str(attempt.ip or ""),
        "user_agent": attempt.user_agent,
        "status": attempt.status,
    }


def _statuses(outcome: str) -> tuple[str, ...]:
    refused = tuple(status for status in activity.OUTCOMES if status not in activity.SUCCESSFUL)
    return {"good": tuple(activity.SUCCESSFUL), "refused": refused}.get(outcome, (outcome,))


@dataclass(frozen=True)
class Health:
    """Whether the database and Redis respond; `waiting` and `failed` count jobs in the outbox, `free_gb` is disk space."""

    database: bool
    broker: bool
    waiting: int
    failed: int
    free_gb: int
    is_disk_full: bool

    @property
    def is_ok(self) -> bool:
        return self.database and self.broker and self.failed == 0 and not self.is_disk_full


def get_health() -> Health:
    """The current system status."""
    waiting, failed = db.session.execute(_count_open_jobs()).one()
    free = disk_space.free_bytes() // 2**30
    return Health(True, redis.is_available(), waiting, failed, free, disk_space.is_full())


@cache
def _count_open_jobs() -> Select:
    def count(*which: Any) -> Any:
        return select(func.count()).select_from(Outbox).where(*which).scalar_subquery()

    return select(count(*outbox.OPEN), count(*outbox.FAILED))


def count_for_administrators() -> dict[str, int]:
    """Counts for the administration page: active accounts, failed sign-ins today, role requests."""
    return {
        "active_users": db.session.execute(select(func.count()).where(User.is_active)).scalar_one(),
        "failed_sign_ins": count_failed_sign_ins(),
        "role_requests": queries.count_waiting(),
    }


def count_failed_sign_ins() -> int:
    """The number of failed sign-ins today."""
    return db.session.execute(_failed(*clock.day_bounds(clock.today()))).scalar_one()


def _failed(start: Any, end: Any) -> Select:
    in_period = (LoginActivity.at >= start, LoginActivity.at < end)
    return select(func.count()).where(*in_period, LoginActivity.status.in_(_statuses("refused")))
