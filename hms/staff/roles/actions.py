"""Roles: editable sets of actions. The built-in ones keep their names and can be reset; others may be added and put away."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from types import EllipsisType

from sqlalchemy import func, select

from hms.core.actions import STALE, action
from hms.core.audit import recording
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

from .administrators import ADMINISTRATOR_PERMISSIONS, check_may_grant, check_grants_keep_administrator, lock_administrators
from .assignment import needs_two_administrators


@action(Permission.MANAGE_ROLES, "staff.install_roles")
def install_roles(*, by: Person) -> dict[str, Role]:
    """Make the built-in roles where they are missing, and give the others what the program has learnt since.

    A new action reaches the built-in roles that hold it by default once: what an administrator took away stays away.
    Returns all roles by code.
    """
    have = {role.code: role for role in db.session.scalars(select(Role))}
    for code in BuiltIn:
        defaults = {a.value for a in DEFAULT_GRANTS[code]}
        role = have.get(code.value)
        if role is None:
            role = have[code.value] = Role(code=code.value, name=ROLE_NAMES[code], grants=sorted(defaults))
            db.session.add(role)
        elif defaults - set(role.offered):
            role.grants = sorted(set(role.grants) | (defaults - set(role.offered)))
            role.increment_version()
        role.offered = sorted(set(role.offered or ()) | defaults)
    db.session.flush()
    return have


MAX_NAME_LENGTH, MAX_DESCRIPTION_LENGTH = 50, 300
MIN_IDLE_MINUTES = 2
UNGRANTED = frozenset({Permission.PUBLIC.value, Permission.SIGNED_IN.value})
GRANTABLE = frozenset(action.value for action in Permission) - UNGRANTED


@action(Permission.MANAGE_ROLES, "staff.add_role")
def add_role(*, name: str, description: str = "", grants: Collection[str] = (), by: Person) -> Role:
    """Make a role of the hospital's own."""
    lock_administrators(by, Permission.MANAGE_ROLES)
    named = _check_name(name, None)
    role = Role(
        code=_new_code(named),
        name=named,
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
    """Change what is given; `StaleVersion` when `version` is old. Counts from each holder's next request on.

    `idle_minutes` None leaves it to the hospital's setting when pages lock.
    """
    lock_administrators(by, Permission.MANAGE_ROLES)
    role = get_for_update(Role, role_id)
    if version is not None and role.version != version:
        raise StaleVersion(STALE)
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
    hospitals = settings.value("staff.idle_minutes")
    if minutes is not None and not MIN_IDLE_MINUTES <= minutes <= hospitals:
        words = N_("Enter %(least)s to %(most)s minutes, or leave blank for the hospital's setting of %(most)s.")
        raise RuleBroken(words, "idle_minutes", least=MIN_IDLE_MINUTES, most=hospitals)
    return minutes


@action(Permission.MANAGE_ROLES, "staff.change_grants")
def change_grants(wanted: dict[int, Collection[str]], versions: dict[int, int], *, by: Person) -> list[Role]:
    """Change the grants of several roles together, as the matrix shows them; all or nothing."""
    return [
        change_role(role_id, version=versions.get(role_id), grants=wanted[role_id], by=by) for role_id in sorted(wanted)
    ]


@action(Permission.MANAGE_ROLES, "staff.reset_role")
def reset_role(role_id: int, *, version: int | None = None, by: Person) -> Role:
    """Give a built-in role its default grants again."""
    role = get_for_update(Role, role_id)
    if not role.is_built_in:
        raise Conflict(N_("Only built-in roles have defaults."), code="not_built_in")
    return change_role(role_id, version=version, grants=default_grants(role), by=by)


@action(Permission.MANAGE_ROLES, "staff.deactivate_role")
def deactivate_role(role_id: int, *, by: Person) -> Role:
    """Put a role of the hospital's own away; refused while anybody has it."""
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
    """Take a role up again."""
    role = get_for_update(Role, role_id)
    role.is_active = True
    role.increment_version()
    return role


def count_holders(role_id: int) -> int:
    """How many people have the role, closed accounts among them."""
    return db.session.execute(select(func.count()).where(User.role_id == role_id)).scalar_one()


def default_grants(role: Role) -> frozenset[str]:
    """What a built-in role is granted by default; nothing for others."""
    return frozenset(action.value for action in DEFAULT_GRANTS[BuiltIn(role.code)]) if role.is_built_in else frozenset()


def _set_grants(role: Role, wanted: Collection[str], by: Person) -> None:
    """Set the grants and write the difference into the trail."""
    grants, had = frozenset(wanted), frozenset(role.grants)
    given, taken = grants - had, had - grants
    if not given and not taken:
        return
    _check_grantable(role, given)
    check_may_grant(by, given)
    _check_second_administrator(role, given, by)
    check_grants_keep_administrator(role, grants)
    role.grants = sorted(grants)
    db.session.flush()
    details = {"role": role.name, "given": sorted(given), "taken": sorted(taken)}
    recording.record("staff.grants_changed", by, entity="role", entity_id=role.id, details=details)


def _check_grantable(role: Role, given: frozenset[str]) -> None:
    unknown = given - GRANTABLE
    if unknown:
        raise RuleBroken(N_("These permissions do not exist: %(names)s."), "grants", names=", ".join(sorted(unknown)))
    if role.code == BuiltIn.PATIENT and not given <= default_grants(role):
        raise RuleBroken(
            N_("The role Patient can see only the patient's own records. It cannot get other permissions."), "grants"
        )


def _check_second_administrator(role: Role, given: frozenset[str], by: Person) -> None:
    """What two must grant is not granted by one through the back door of a role that people have already."""
    if given & ADMINISTRATOR_PERMISSIONS and needs_two_administrators(by) and count_holders(role.id):
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
    named = clean_field(name, "name", longest=MAX_NAME_LENGTH)
    if not named:
        raise RuleBroken(N_("Enter a name for the role."), "name")
    same = select(Role.id).where(func.lower(Role.name) == named.lower(), Role.id != (role.id if role else 0))
    if db.session.scalars(same).first() is not None:
        raise RuleBroken(N_("A role with this name already exists."), "name")
    return named


def _new_code(name: str) -> str:
    """A stable code of the role: its letters, and a few random ones so that it never is that of a built-in role."""
    return f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')[:30]}-{secrets.token_hex(3)}"
