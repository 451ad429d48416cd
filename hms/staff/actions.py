"""What can be done about people and their access."""

from __future__ import annotations

from sqlalchemy import select

from hms.core.actions import action
from hms.core.db import db
from hms.core.errors import RuleBroken
from hms.core.people import Person
from hms.core.permissions import ALLOWED, NAMES, Action
from hms.core.permissions import Role as BuiltIn
from hms.core.words import _

from . import passwords
from .models import Role, User


@action(Action.MANAGE_ROLES, "staff.install_roles")
def install_roles(*, by: Person) -> dict[str, Role]:
    """Make the built-in roles where they are missing, and give the others what the program has learnt since.

    A new action reaches the built-in roles that hold it by default once: what an administrator took away stays away.
    Returns all roles by code.
    """
    have = {role.code: role for role in db.session.scalars(select(Role))}
    for code in BuiltIn:
        defaults = {a.value for a in ALLOWED[code]}
        role = have.get(code.value)
        if role is None:
            role = have[code.value] = Role(code=code.value, name=NAMES[code], grants=sorted(defaults))
            db.session.add(role)
        elif defaults - set(role.offered):
            role.grants = sorted(set(role.grants) | (defaults - set(role.offered)))
            role.changed()
        role.offered = sorted(set(role.offered or ()) | defaults)
    db.session.flush()
    return have


@action(Action.MANAGE_STAFF, "staff.add_user")
def add_user(*, username: str, role: str | None, password: str | None = None, by: Person, **details: object) -> User:
    """Make an account with the role of code `role`; without a password it cannot sign in yet."""
    found = db.session.scalars(select(Role).filter_by(code=role)).one_or_none() if role else None
    if role and found is None:
        raise RuleBroken(_("There is no such role."), "role")
    user = User(
        username=username, role=found, password_hash=passwords.hashed(password) if password else None, **details
    )
    db.session.add(user)
    db.session.flush()
    return user
