"""Looking up staff: doctors, departments, roles."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from hms.core.db.name_order import name_key, name_order
from hms.core.db.session import db
from hms.core.db.word_search import contains_all_words
from hms.core.permissions import Permission
from hms.core.permissions import Role as BuiltIn

from .models import Department, Role, User

_USER = User.__table__.c
_NAME_COLUMNS = (_USER.id, _USER.title, _USER.first_name, _USER.last_name, _USER.username)


def users(*, only_doctors: bool = False) -> Select:
    """A query for all accounts, or for active doctors only, ordered by family name."""
    query = select(User).order_by(*name_order(User.last_name, User.first_name), User.id)
    return query.join(Role).where(Role.code == BuiltIn.DOCTOR.value, User.is_active) if only_doctors else query


def doctors() -> list[User]:
    """Active doctors by name, with their departments."""
    return sorted(db.session.execute(_doctors()).scalars().unique(), key=_by_name)


@cache
def _doctors() -> Select:
    return select(User).join(Role).where(Role.code == BuiltIn.DOCTOR.value, User.is_active)


def _by_name(account: Any) -> tuple[Any, ...]:
    return (*name_key(account.last_name, account.first_name), account.id)


def doctor_names() -> dict[int, str]:
    """The display names of active doctors by account id, in the order of `doctors`."""
    return {row.id: _display_name(row) for row in sorted(db.session.execute(_doctor_names()), key=_by_name)}


@cache
def _doctor_names() -> Select:
    return _doctors().with_only_columns(*_NAME_COLUMNS)


def doctor(user_id: int | None) -> User | None:
    """The active doctor with this account, or None."""
    if user_id is None:
        return None
    query = select(User).join(Role).where(User.id == user_id, Role.code == BuiltIn.DOCTOR.value, User.is_active)
    return db.session.scalars(query).unique().one_or_none()


def departments() -> list[Any]:
    """Active departments by name: rows of `id` and `name`."""
    return sorted(db.session.execute(_departments()), key=lambda department: name_key(department.name))


@cache
def _departments() -> Select:
    return select(Department.id, Department.name).where(Department.is_active)


def roles() -> Select:
    """A query for all active roles, built-in ones first."""
    return select(Role).where(Role.is_active).order_by(Role.id)


def is_opened_lately(opener_id: int | None, user_id: int | None) -> bool:
    """Whether `opener_id` created or opened the account `user_id`, or made a link for it, in the last days.

    They may then know its password. The database function `hms_opened_lately` (migration 0027) holds the number of days.
    """
    return bool(db.session.execute(select(func.hms_opened_lately(opener_id, user_id))).scalar_one())


def display_names(user_ids: set[int]) -> dict[int, str]:
    """Display names by account id."""
    if not user_ids:
        return {}
    return {row.id: _display_name(row) for row in db.session.execute(_names(), {"user_ids": list(user_ids)})}


def _display_name(row: Any) -> str:
    return " ".join(part for part in (row.title, row.first_name, row.last_name) if part) or row.username


@cache
def _names() -> Select:
    user_ids = bindparam("user_ids")
    return select(*_NAME_COLUMNS).where(_USER.id.in_(user_ids))


def user_ids_with_permission(action: Permission) -> list[int]:
    """The ids of active accounts whose role has the permission `action`."""
    query = (
        select(User.id).join(Role, Role.id == User.role_id).where(User.is_active, Role.grants.contains([action.value]))
    )
    return list(db.session.scalars(query.order_by(User.id)))


def find_account_ids(text: str, limit: int) -> list[int]:
    """The ids of accounts whose username is `text`; if none, of those whose names or username contain each of its words."""
    exact = select(User.id).where(func.lower(User.username) == text.strip().lower())
    user_ids = list(db.session.scalars(exact))
    if user_ids:
        return user_ids
    names = func.hms_fold(func.concat_ws(" ", User.title, User.first_name, User.last_name, User.username))
    return list(
        db.session.scalars(select(User.id).where(*contains_all_words(names, text)).order_by(User.id).limit(limit))
    )


def display_name_column(user: Any = User) -> Any:
    """A column with the display name, "Dr Amadu Bah"; the username where no name is recorded."""
    parts = (func.nullif(user.title, ""), func.nullif(user.first_name, ""), func.nullif(user.last_name, ""))
    return func.coalesce(func.nullif(func.concat_ws(" ", *parts), ""), user.username)
