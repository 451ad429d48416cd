"""Checks that the hospital keeps an administrator, and that nobody gives a permission they do not have themselves.

An administrator is an active person whose role may manage both people and roles. The database trigger `administrators`
(migration 0004) also refuses to remove the last one.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Select, select

from hms.core.actions import require_permission
from hms.core.db import advisory_locks
from hms.core.db.advisory_locks import AdvisoryLock
from hms.core.db.session import db
from hms.core.errors import Conflict, NotAllowed
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.staff import request_user
from hms.staff.models import Role, User

REQUIRED_PERMISSIONS = (Permission.MANAGE_STAFF.value, Permission.MANAGE_ROLES.value)
ADMINISTRATOR_PERMISSIONS = frozenset({*REQUIRED_PERMISSIONS, Permission.REVIEW_ROLE_REQUESTS.value})

LAST_ADMINISTRATOR = N_(
    "This would leave nobody who can manage people and roles. Give another person the administrator role first."
)


def lock_administrators(by: Person, action: Permission) -> None:
    """Take the lock for changes of administrators until the end of the transaction, and check `action` again under it."""
    advisory_locks.acquire(AdvisoryLock.ADMINISTRATORS)
    if by.id is not None:
        require_permission(request_user.load_active_person(by.id), action)


def _administrators() -> Select[tuple[int]]:
    return (
        select(User.id)
        .join(Role, User.role_id == Role.id)
        .where(User.is_active, Role.grants.contains(REQUIRED_PERMISSIONS))
    )


def is_last_administrator(user_id: int) -> bool:
    """Whether this person is the only administrator."""
    return set(db.session.scalars(_administrators().limit(2))) == {user_id}


def has_other_administrator(*user_ids: int | None) -> bool:
    """Whether there is an administrator who is none of `user_ids`."""
    excluded = [user_id for user_id in user_ids if user_id is not None]
    return db.session.scalars(_administrators().where(User.id.not_in(excluded)).limit(1)).first() is not None


def check_not_last_administrator(user: User, role: Role | None) -> None:
    """Raise `Conflict` when no administrator remains after `user` gets `role` (None: no role, or a closed account)."""
    stays = role is not None and set(REQUIRED_PERMISSIONS) <= set(role.grants)
    if not stays and is_last_administrator(user.id):
        raise Conflict(LAST_ADMINISTRATOR, code="last_administrator")


def check_grants_keep_administrator(role: Role, grants: Iterable[str]) -> None:
    """Raise `Conflict` when no administrator remains after `role` gets the permissions `grants`."""
    if set(REQUIRED_PERMISSIONS) <= set(grants):
        return
    in_other_roles = _administrators().where(Role.id != role.id).limit(1)
    if set(REQUIRED_PERMISSIONS) <= set(role.grants) and db.session.scalars(in_other_roles).first() is None:
        raise Conflict(LAST_ADMINISTRATOR, "grants", code="last_administrator")


def administrator_permissions(grants: Iterable[str]) -> frozenset[str]:
    """Those of `grants` that can give any other permission: manage people, manage roles, decide role requests."""
    return ADMINISTRATOR_PERMISSIONS & frozenset(grants)


def check_may_grant(by: Person, grants: Iterable[str]) -> None:
    """Raise `NotAllowed` unless `by` has every administrator permission among `grants`."""
    if any(not by.may(Permission(name)) for name in administrator_permissions(grants)):
        raise NotAllowed(N_("This account or role may do more than yours. Ask an administrator."))


def check_may_manage(user: User, by: Person) -> None:
    """Raise `NotAllowed` when `user` has an administrator permission that `by` does not have."""
    check_may_grant(by, user.role.grants if user.role else ())
