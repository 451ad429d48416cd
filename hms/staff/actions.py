"""What can be done about people and their access."""

from __future__ import annotations

from sqlalchemy import select

from hms.core.actions import action
from hms.core.db import db, locked
from hms.core.errors import RuleBroken
from hms.core.people import Person
from hms.core.permissions import ALLOWED, NAMES, Action
from hms.core.permissions import Role as BuiltIn
from hms.core.words import _

from . import passwords
from .models import Role, User


@action(Action.MANAGE_ROLES)
def install_roles(*, by: Person) -> dict[str, Role]:
    """Make the built-in roles with their default grants where they are missing; returns all built-in roles by code."""
    have = {role.code: role for role in db.session.scalars(select(Role))}
    for code in BuiltIn:
        if code.value not in have:
            grants = sorted(a.value for a in ALLOWED[code])
            have[code.value] = Role(code=code.value, name=NAMES[code], grants=grants)
            db.session.add(have[code.value])
    db.session.flush()
    return have


@action(Action.MANAGE_STAFF)
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


@action(Action.SIGNED_IN)
def change_preferences(
    *, language: str | None = None, preferences: dict[str, object] | None = None, by: Person
) -> User:
    """Change one's own language and looks; `preferences` is merged into what was chosen before."""
    user = locked(User, by.id)
    if language:
        user.language = language
    if preferences:
        user.preferences = user.preferences | preferences
    return user
