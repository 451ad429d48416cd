"""Changes of roles, which are editable sets of permissions. Built-in roles keep their names; others can be added and closed."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from types import EllipsisType

from sqlalchemy import func, literal, select

from hms.core.actions import STALE_MESSAGE, action
from hms.core.audit import recording
from hms.core.db.folding import lowered
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken, StaleVersion
from hms.core.permissions import DEFAULT_GRANTS, ROLE_NAMES, Permission
from hms.core.permissions import Role as BuiltIn
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_
from hms.staff.models import Role, User

from .administrators import (
    ADMINISTRATOR_PERMISSIONS,
    check_grants_keep_administrator,
    check_may_grant,
    lock_administrators,
)
from .assignment import needs_two_administrators


@action(Permission.MANAGE_ROLES, "staff.install_roles")
def install_roles(*, by: Person) -> dict[str, Role]:
    """Create missing built-in roles, and add the permissions that are new in this version. Returns all roles by code.

    A new permission is added to a role once, so that a permission removed by an administrator stays removed.
    """
    roles = {role.code: role for role in db.session.scalars(select(Role))}
    for code in BuiltIn:
        defaults = {a.value for a in DEFAULT_GRANTS[code]}
        role = roles.get(code.value)
        if role is None:
            role = roles[code.value] = Role(code=code.value, name=ROLE_NAMES[code], grants=sorted(defaults))
            db.session.add(role)
        elif defaults - set(role.offered):
            role.grants = sorted(set(role.grants) | (defaults - set(role.offered)))
            role.increment_version()
        role.offered = sorted(set(role.offered or ()) | defaults)
    db.session.flush()
    return roles


MAX_NAME_LENGTH, MAX_DESCRIPTION_LENGTH = 50, 300
MIN_IDLE_MINUTES = 2
UNGRANTED = frozenset({Permission.PUBLIC.value, Permission.SIGNED_IN.value})
GRANTABLE = frozenset(action.value for action in Permission) - UNGRANTED


@action(Permission.MANAGE_ROLES, "staff.add_role")
def add_role(*, name: str, description: str = "", grants: Collection[str] = (), by: Person) -> Role:
    """Create a role."""
    lock_administrators(by, Permission.MANAGE_ROLES)
    checked_name = _check_name(name, None)
    role = Role(
        code=_new_code(checked_name),
        name=checked_name,
        description=clean_field(description, "description", longest=MAX_DESCRIPTION_LENGTH),
        grants=[],
    )
    db.session.add(role)
    db.session.flush()
    _set_grants(role, grants, by)
    return role


@action(Permission.MANAGE_ROLES, "staff.change_role")
def change_role(
    role_id: int,
    *,
    version: int | None = None,
    name: str | None = None,
    description: str | None = None,
    grants: Collection[str] | None = None,
    idle_minutes: int | EllipsisType | None = ...,
    by: Person,
) -> Role:
    """Change the given fields; raises `StaleVersion` when `version` is old. It applies from each person's next request.

    `idle_minutes` None means the hospital's setting; leave it out to keep the present value.
    """
    lock_administrators(by, Permission.MANAGE_ROLES)
    role = get_for_update(Role, role_id)
    if version is not None and role.version != version:
        raise StaleVersion(STALE_MESSAGE)
    before = (role.name, role.description, role.grants, role.idle_minutes)
    if name is not None and name != role.name:
        _rename(role, name)
    if description is not None:
        role.description = clean_field(description, "description", longest=MAX_DESCRIPTION_LENGTH)
    if grants is not None:
        _set_grants(role, grants, by)
    if idle_minutes is not ...:
        role.idle_minutes = _check_idle_minutes(idle_minutes)
    if before != (role.name, role.description, role.grants, role.idle_minutes):
        role.increment_version()
    db.session.flush()
    return role


def _check_idle_minutes(minutes: int | None) -> int | None:
    hospital_minutes = settings.value("staff.idle_minutes")
    if minutes is not None and not MIN_IDLE_MINUTES <= minutes <= hospital_minutes:
        message = N_("Enter %(least)s to %(most)s minutes, or leave blank for the hospital's setting of %(most)s.")
        raise RuleBroken(message, "idle_minutes", least=MIN_IDLE_MINUTES, most=hospital_minutes)
    return minutes


@action(Permission.MANAGE_ROLES, "staff.change_grants")
def change_grants(wanted: dict[int, Collection[str]], versions: dict[int, int], *, by: Person) -> list[Role]:
    """Change the permissions of several roles in one transaction; `wanted` and `versions` are by role id."""
    return [
        change_role(role_id, version=versions.get(role_id), grants=wanted[role_id], by=by) for role_id in sorted(wanted)
    ]


@action(Permission.MANAGE_ROLES, "staff.reset_role")
def reset_role(role_id: int, *, version: int | None = None, by: Person) -> Role:
    """Restore the default permissions of a built-in role."""
    role = get_for_update(Role, role_id)
    if not role.is_built_in:
        raise Conflict(N_("Only built-in roles have defaults."), code="not_built_in")
    return change_role(role_id, version=version, grants=default_grants(role), by=by)


@action(Permission.MANAGE_ROLES, "staff.deactivate_role")
def deactivate_role(role_id: int, *, by: Person) -> Role:
    """Close a role; raises `Conflict` for a built-in role and while anybody has it."""
    lock_administrators(by, Permission.MANAGE_ROLES)
    role = get_for_update(Role, role_id)
    if role.is_built_in:
        raise Conflict(N_("You cannot close a built-in role. Remove its permissions instead."), code="built_in")
    if count_holders(role.id):
        raise Conflict(N_("People have this role. Give them another role first."), code="role_in_use")
    role.is_active = False
    role.increment_version()
    return role


@action(Permission.MANAGE_ROLES, "staff.reactivate_role")
def reactivate_role(role_id: int, *, by: Person) -> Role:
    """Reopen a closed role."""
    role = get_for_update(Role, role_id)
    role.is_active = True
    role.increment_version()
    return role


def count_holders(role_id: int) -> int:
    """The number of people with the role, including closed accounts."""
    return db.session.execute(select(func.count()).where(User.role_id == role_id)).scalar_one()


def default_grants(role: Role) -> frozenset[str]:
    """The default permissions of a built-in role; empty for other roles."""
    return frozenset(action.value for action in DEFAULT_GRANTS[BuiltIn(role.code)]) if role.is_built_in else frozenset()


def _set_grants(role: Role, wanted: Collection[str], by: Person) -> None:
    """Set the permissions and record the difference in the audit trail."""
    grants, before = frozenset(wanted), frozenset(role.grants)
    added, removed = grants - before, before - grants
    if not added and not removed:
        return
    _check_grantable(role, added)
    check_may_grant(by, added)
    _check_second_administrator(role, added, by)
    check_grants_keep_administrator(role, grants)
    role.grants = sorted(grants)
    db.session.flush()
    details = {"role": role.name, "given": sorted(added), "taken": sorted(removed)}
    recording.record("staff.grants_changed", by, entity="role", entity_id=role.id, details=details)


def _check_grantable(role: Role, added: frozenset[str]) -> None:
    unknown = added - GRANTABLE
    if unknown:
        raise RuleBroken(N_("These permissions do not exist: %(names)s."), "grants", names=", ".join(sorted(unknown)))
    if role.code == BuiltIn.PATIENT and not added <= default_grants(role):
        raise RuleBroken(
            N_("The role Patient can see only the patient's own records. It cannot get other permissions."), "grants"
        )


def _check_second_administrator(role: Role, added: frozenset[str], by: Person) -> None:
    """Refuse to add an administrator's permission to a role in use, because that would bypass the second approval."""
    if added & ADMINISTRATOR_PERMISSIONS and needs_two_administrators(by) and count_holders(role.id):
        raise Conflict(
            N_(
                "People have this role, and permissions to manage people or roles need two "
                "administrators. Give these people another role instead."
            ),
            "grants",
            code="needs_second",
        )


def _rename(role: Role, name: str) -> None:
    if role.is_built_in:
        raise Conflict(N_("You cannot rename a built-in role."), "name", code="built_in")
    role.name = _check_name(name, role)


def _check_name(name: str, role: Role | None) -> str:
    """The name to store; raises `RuleBroken` when it is empty or another role has it. `role` is None for a new role."""
    cleaned = clean_field(name, "name", longest=MAX_NAME_LENGTH)
    if not cleaned:
        raise RuleBroken(N_("Enter a name for the role."), "name")
    same_name = select(Role.id).where(
        lowered(Role.name) == lowered(literal(cleaned)), Role.id != (role.id if role else 0)
    )
    if db.session.scalars(same_name).first() is not None:
        raise RuleBroken(N_("A role with this name already exists."), "name")
    return cleaned


def _new_code(name: str) -> str:
    """A code made from the name, with random characters so that it never equals the code of a built-in role."""
    return f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')[:30]}-{secrets.token_hex(3)}"
