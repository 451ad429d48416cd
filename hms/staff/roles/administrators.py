"""There is always an administrator, and nobody gives a power they do not hold themselves.

An administrator is an active person whose role may manage both people and roles. The trigger `administrators` (migration
0004) refuses the last one's leaving even to a hand-written statement; the checks here say so before it is tried.
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

LAST_ADMINISTRATOR = N_("This would leave nobody who can manage people and roles. Give another person the administrator role first.")


def lock_administrators(by: Person, action: Permission) -> None:
    """Whoever may change who is administrator does so one after the other, and only while still allowed `action`."""
    advisory_locks.acquire(AdvisoryLock.ADMINISTRATORS)
    if by.id is not None:
        require_permission(request_user.load_active_person(by.id), action)


def _administrators() -> Select[tuple[int]]:
    return select(User.id).join(Role, User.role_id == Role.id).where(User.is_active, Role.grants.contains(REQUIRED_PERMISSIONS))


def is_last_administrator(user_id: int) -> bool:
    """Whether this person is the only administrator."""
    return set(db.session.scalars(_administrators().limit(2))) == {user_id}


def has_other_administrator(*user_ids: int | None) -> bool:
    """Whether there is an administrator besides these."""
    given = [user_id for user_id in user_ids if user_id is not None]
    return db.session.scalars(_administrators().where(User.id.not_in(given)).limit(1)).first() is not None


def check_not_last_administrator(user: User, role: Role | None) -> None:
    """Refuse to leave the hospital without an administrator when `user` gets `role` (None: no role, or no way in)."""
    stays = role is not None and set(REQUIRED_PERMISSIONS) <= set(role.grants)
    if not stays and is_last_administrator(user.id):
        raise Conflict(LAST_ADMINISTRATOR, code="last_administrator")


def check_grants_keep_administrator(role: Role, grants: Iterable[str]) -> None:
    """The same, when `role` gets `grants`."""
    if set(REQUIRED_PERMISSIONS) <= set(grants):
        return
    elsewhere = _administrators().where(Role.id != role.id).limit(1)
    if set(REQUIRED_PERMISSIONS) <= set(role.grants) and db.session.scalars(elsewhere).first() is None:
        raise Conflict(LAST_ADMINISTRATOR, "grants", code="last_administrator")


def administrator_permissions(grants: Iterable[str]) -> frozenset[str]:
    """The grants that open everything else: managing people, managing roles, answering requests for roles."""
    return ADMINISTRATOR_PERMISSIONS & frozenset(grants)


def check_may_grant(by: Person, grants: Iterable[str]) -> None:
    """Refuse unless `by` holds every power among `grants`: nobody raises another, or takes over an account, above their own."""
    if any(not by.may(Permission(power)) for power in administrator_permissions(grants)):
        raise NotAllowed(N_("This account or role may do more than yours. Ask an administrator."))


def check_may_manage(user: User, by: Person) -> None:
    """Refuse to touch the ways in of somebody who may do more than `by`."""
    check_may_grant(by, user.role.grants if user.role else ())
