"""Administrators create, correct, close, reopen and unlock accounts. Accounts are never deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import func, literal, select, update

from hms.core import clock
from hms.core.actions import STALE_MESSAGE, action
from hms.core.audit import recording
from hms.core.db.folding import lowered
from hms.core.db.locking import get_for_update
from hms.core.db.session import db, get_or_not_found
from hms.core.errors import Conflict, RuleBroken, StaleVersion
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_
from hms.staff import rules
from hms.staff.departments.queries import check_open_department
from hms.staff.login_security import attempts, passwords
from hms.staff.models import Role, RoleChangeRequest, User
from hms.staff.notifier import notify
from hms.staff.onboarding import one_time_links
from hms.staff.roles import assignment
from hms.staff.roles.administrators import check_may_manage, check_not_last_administrator, lock_administrators
from hms.staff.second_factor import actions as second_factor_actions
from hms.staff.sessions import actions as session_actions
from hms.staff.sessions.revocation import end_access, end_links

MAX_REASON_LENGTH = 300
OWN_ACCOUNT = N_("This is your own account. Ask another administrator.")


@dataclass(frozen=True)
class NewAccount:
    """A new account, the secret of its one-time link, and whether its role still needs a second administrator."""

    user: User
    secret: str
    is_role_waiting: bool


@action(Permission.MANAGE_STAFF, "staff.add_person")
def add_person(*, username: str, role_id: int | None = None, by: Person, **details: Any) -> NewAccount:
    """Create an account without a password, and the one-time link with which its owner chooses one.

    `details` are email, phone, title, first_name, last_name, department_id, room.
    """
    user = User(**_clean({"username": username, **details}, None))
    db.session.add(user)
    db.session.flush()
    assigned = assignment.assign_role(user.id, role_id, by=by) if role_id is not None else None
    return NewAccount(user, one_time_links.make_link(user.id, by=by), assigned is not None and assigned.is_waiting)


@action(Permission.MANAGE_STAFF, "staff.change_person")
def change_person(user_id: int, *, version: int | None = None, by: Person, **changes: Any) -> User:
    """Set the fields in `changes`; `role_id` assigns the role directly. Raises `StaleVersion` when `version` is old."""
    if changes.get("role_id", False) is not False:
        lock_administrators(by, Permission.MANAGE_STAFF)
    user = get_for_update(User, user_id)
    check_version(user, version)
    check_may_manage(user, by)
    wanted_role = changes.pop("role_id", user.role_id)
    differs = {name: value for name, value in _clean(changes, user).items() if getattr(user, name) != value}
    for name, value in differs.items():
        setattr(user, name, value)
    if differs:
        user.increment_version()
        db.session.flush()
    if wanted_role != user.role_id:
        assignment.assign_role(user.id, wanted_role, by=by)
    return user


@action(Permission.MANAGE_STAFF, "staff.change_account")
def change_account(user_id: int, *, is_active: bool | None = None, by: Person, **changes: Any) -> User:
    """Correct an account, and close or open it (None: it stays as it is), in one transaction."""
    lock_administrators(by, Permission.MANAGE_STAFF)
    user = change_person(user_id, by=by, **changes)
    if is_active is not None and is_active != user.is_active:
        (reactivate if is_active else deactivate)(user_id, by=by)
    return user


def check_version(user: User, version: int | None) -> None:
    """Raise `StaleVersion` when the account no longer has `version`; None is not compared."""
    if version is not None and user.version != version:
        raise StaleVersion(STALE_MESSAGE)


def _clean(changes: dict[str, Any], user: User | None) -> dict[str, Any]:
    """The values to store; raises `RuleBroken` on the field that is wrong. `user` is None for a new account."""
    cleaned = dict(changes)
    if "username" in cleaned:
        cleaned["username"] = check_username_is_free(rules.username(cleaned["username"]), user)
    if "email" in cleaned:
        cleaned["email"] = check_email_is_free(rules.email(cleaned["email"] or ""), user)
    if "phone" in cleaned:
        cleaned["phone"] = rules.phone(cleaned["phone"] or "", current_app.config["COUNTRY"])
    if "department_id" in cleaned:
        present = None if user is None else user.department_id
        check_open_department(cleaned["department_id"], "department_id", present_id=present)
    return cleaned


def check_username_is_free(name: str, user: User | None) -> str:
    """Return `name`; raises `RuleBroken` when another account has it."""
    if _is_taken(func.lower(User.username) == name.lower(), user):
        raise RuleBroken(N_("A user with that username already exists."), "username")
    return name


def check_email_is_free(address: str, user: User | None) -> str:
    """Return `address`; raises `RuleBroken` when another account has it."""
    if address and _is_taken(lowered(User.email) == lowered(literal(address)), user):
        raise RuleBroken(N_("A user with that e-mail address already exists."), "email")
    return address


def _is_taken(condition: Any, user: User | None) -> bool:
    query = select(User.id).where(condition, User.id != (user.id if user else 0))
    return db.session.scalars(query).first() is not None


@action(Permission.MANAGE_STAFF, "staff.deactivate")
def deactivate(user_id: int, *, reason: str = "", version: int | None = None, by: Person) -> User:
    """Close an account: end its sessions, tokens and links, and withdraw its pending role requests."""
    lock_administrators(by, Permission.MANAGE_STAFF)
    user = get_for_update(User, user_id)
    check_version(user, version)
    if user.id == by.id:
        raise Conflict(OWN_ACCOUNT, code="own_account")
    check_may_manage(user, by)
    check_not_last_administrator(user, None)
    if user.is_active or user.awaits_approval:
        user.is_active = user.awaits_approval = False
        user.inactive_reason = clean_field(reason, "reason", longest=MAX_REASON_LENGTH, multiline=True)
        user.increment_version()
        end_links(user)
        end_access(user)
        _withdraw_requests(user)
    return user


def _withdraw_requests(user: User) -> None:
    pending = (RoleChangeRequest.user_id == user.id, RoleChangeRequest.status == "pending")
    db.session.execute(update(RoleChangeRequest).where(*pending).values(status="withdrawn", updated_at=clock.now()))


@action(Permission.MANAGE_STAFF, "staff.reactivate")
def reactivate(user_id: int, *, version: int | None = None, by: Person) -> User:
    """Reopen a closed account, or approve a requested one."""
    lock_administrators(by, Permission.MANAGE_STAFF)
    user = get_for_update(User, user_id)
    check_version(user, version)
    check_may_manage(user, by)
    if not user.is_active:
        user.is_active, user.awaits_approval, user.inactive_reason = True, False, ""
        user.increment_version()
        db.session.flush()
    return user


@action(Permission.MANAGE_STAFF, "staff.unlock")
def unlock(user_id: int, *, by: Person) -> User:
    """Clear the lockouts of an account, so that its owner can sign in at once."""
    user = get_or_not_found(User, user_id)
    attempts.clear_lockouts(user.id)
    recording.record("staff.unlock", by, entity="app_user", entity_id=user.id)
    return user


@action(Permission.MANAGE_STAFF, "staff.reset_second_factor")
def reset_second_factor(user_id: int, *, by: Person) -> User:
    """Remove the second factor of an account whose owner lost it, end its sessions and send the owner an alert."""
    user = get_for_update(User, user_id)
    check_may_manage(user, by)
    second_factor_actions.reset_second_factor(user_id, by=by)
    user.increment_version()
    end_access(user)
    title = N_("An administrator reset your second factor. Set it up again on your profile.")
    notify(user.id, title=title, url="/profile/security", by=by)
    return user


@action(Permission.MANAGE_STAFF, "staff.end_sessions")
def end_sessions(user_id: int, *, by: Person) -> User:
    """End all sessions and tokens of an account."""
    user = get_for_update(User, user_id)
    check_may_manage(user, by)
    session_actions.end_all_sessions(user_id, by=by)
    return user


@action(Permission.MANAGE_STAFF, "staff.add_user")
def add_user(*, username: str, role: str | None, password: str | None = None, by: Person, **details: object) -> User:
    """Create an account with the role of code `role`; without a password it cannot sign in yet. For demo data and tests."""
    role_row = db.session.scalars(select(Role).filter_by(code=role)).one_or_none() if role else None
    if role and role_row is None:
        raise RuleBroken(N_("This role does not exist."), "role")
    password_hash = passwords.hash_secret(password) if password else None
    user = User(username=username, role=role_row, password_hash=password_hash, **details)
    db.session.add(user)
    db.session.flush()
    return user
