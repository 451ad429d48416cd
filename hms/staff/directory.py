"""Looking up staff: doctors, departments, roles."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from hms.core.db.session import db
from hms.core.db.word_search import contains_all_words
from hms.core.permissions import Permission
from hms.core.permissions import Role as BuiltIn

from .models import Department, Role, User

_USER = User.__table__.c


def users(*, only_doctors: bool = False) -> Select:
    """Every account, or that of every active doctor, by family name."""
    query = select(User).order_by(User.last_name, User.first_name, User.id)
    return query.join(Role).where(Role.code == BuiltIn.DOCTOR.value, User.is_active) if only_doctors else query


def doctors() -> list[User]:
    """Active doctors by name, with their departments."""
    return list(db.session.execute(_doctors()).scalars().unique())


@cache
def _doctors() -> Select:
    query = select(User).join(Role).where(Role.code == BuiltIn.DOCTOR.value, User.is_active)
    return query.order_by(User.last_name, User.first_name)


def doctor(user_id: int | None) -> User | None:
    """The active doctor with this account, or None."""
    if user_id is None:
        return None
    query = select(User).join(Role).where(User.id == user_id, Role.code == BuiltIn.DOCTOR.value, User.is_active)
    return db.session.scalars(query).unique().one_or_none()


def departments() -> list[Any]:
    """Those that receive patients, by name: `id` and `name`."""
    return list(db.session.execute(_departments()))


@cache
def _departments() -> Select:
    return select(Department.id, Department.name).where(Department.is_active).order_by(Department.name)


def roles() -> Select:
    """Every active role, built-in ones first."""
    return select(Role).where(Role.is_active).order_by(Role.id)


def is_opened_lately(maker: int | None, account: int | None) -> bool:
    """Whether `maker` made or opened this account, or made a link for it, within the days of `hms_opened_lately` (migration
    0027): they may have chosen its password."""
    return bool(db.session.execute(select(func.hms_opened_lately(maker, account))).scalar_one())


def display_names(user_ids: set[int]) -> dict[int, str]:
    """Display names by account id."""
    if not user_ids:
        return {}
    return {
        row.id: " ".join(part for part in (row.title, row.first_name, row.last_name) if part) or row.username
        for row in db.session.execute(_names(), {"user_ids": list(user_ids)})
    }


@cache
def _names() -> Select:
    user_ids = bindparam("user_ids")
    columns = (_USER.id, _USER.title, _USER.first_name, _USER.last_name, _USER.username)
    return select(*columns).where(_USER.id.in_(user_ids))


def user_ids_with_permission(action: Permission) -> list[int]:
    """The active accounts whose role is granted `action`."""
    query = (
        select(User.id).join(Role, Role.id == User.role_id).where(User.is_active, Role.grants.contains([action.value]))
    )
    return list(db.session.scalars(query.order_by(User.id)))


def find_account_ids(text: str, limit: int) -> list[int]:
    """Accounts whose username is `text`; else those whose names or username have every word of it."""
    exact = select(User.id).where(func.lower(User.username) == text.strip().lower())
    found = list(db.session.scalars(exact))
    if found:
        return found
    said = func.hms_fold(func.concat_ws(" ", User.title, User.first_name, User.last_name, User.username))
    return list(
        db.session.scalars(select(User.id).where(*contains_all_words(said, text)).order_by(User.id).limit(limit))
    )


def display_name_column(user: Any = User) -> Any:
    """The name colleagues read, "Dr Amadu Bah", as a column; the account's name where none is recorded."""
    parts = (func.nullif(user.title, ""), func.nullif(user.first_name, ""), func.nullif(user.last_name, ""))
    return func.coalesce(func.nullif(func.concat_ws(" ", *parts), ""), user.username)
