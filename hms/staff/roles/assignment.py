"""Gives a role to a person: directly, or when a role request is approved. It applies from the person's next request."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text.translation import N_, Sentence
from hms.staff.models import Role, RoleChangeRequest, User
from hms.staff.notifier import notify

from .administrators import (
    administrator_permissions,
    check_may_grant,
    check_may_manage,
    check_not_last_administrator,
    has_other_administrator,
    lock_administrators,
)

OWN_ROLE = N_("You cannot decide on your own role. Ask another administrator.")
NEEDS_SECOND_ADMINISTRATOR = N_("Another administrator must also approve this under Role requests.")


@dataclass(frozen=True)
class RoleAssignment:
    """The result of an assignment: the role is given, or (`is_waiting`) waits for a second administrator."""

    user: User
    role: Role | None
    is_waiting: bool


@action(Permission.REVIEW_ROLE_REQUESTS, "staff.assign_role")
def assign_role(user_id: int, role_id: int | None, *, by: Person) -> RoleAssignment:
    """Give a role (None: no role) without a request. A role with an administrator's permission needs a second administrator."""
    lock_administrators(by, Permission.REVIEW_ROLE_REQUESTS)
    user, role = get_for_update(User, user_id), get_active_role(role_id)
    check_not_own_role(user, by)
    check_may_manage(user, by)
    if role is not None and role.id != user.role_id:
        check_may_grant(by, role.grants)
        if needs_second_administrator(role, user, by) and not _is_approved_by_another(user, role, by):
            save_first_approval(user, role, by)
            return RoleAssignment(user, role, True)
    set_role(user, role, by)
    return RoleAssignment(user, role, False)


def get_active_role(role_id: int | None, field: str = "role_id") -> Role | None:
    """The active role; None when `role_id` is None. Raises `RuleBroken` when it does not exist or is closed."""
    role = db.session.get(Role, role_id) if role_id is not None else None
    if role_id is not None and (role is None or not role.is_active):
        raise RuleBroken(N_('Invalid pk "%(id)s" - object does not exist.'), field, id=role_id)
    return role


def check_not_own_role(user: User, by: Person) -> None:
    if user.id == by.id:
        raise Conflict(OWN_ROLE, code="own_request")


def needs_second_administrator(role: Role, user: User, by: Person) -> bool:
    """Whether two administrators must give this role to `user`."""
    return bool(administrator_permissions(role.grants)) and needs_two_administrators(by, user.id)


def needs_two_administrators(by: Person, *others: int) -> bool:
    """Whether `by` needs a second administrator: when the setting says so and there is another one besides `others`.

    Commands (`by.id` None) need none.
    """
    return (
        by.id is not None and settings.value("staff.two_person_admin_grant") and has_other_administrator(by.id, *others)
    )


def _is_approved_by_another(user: User, role: Role, by: Person) -> bool:
    """Whether another administrator has already approved this role for `user`."""
    first_approver = select(RoleChangeRequest.first_approver_id).filter_by(
        user_id=user.id, requested_role_id=role.id, status="pending"
    )
    return db.session.scalars(first_approver).one_or_none() not in (None, by.id)


def save_first_approval(user: User, role: Role, by: Person) -> RoleChangeRequest:
    """Store the approval of `by` in the pending request, or in a new one, and alert the other administrators."""
    pending = select(RoleChangeRequest).filter_by(user_id=user.id, requested_role_id=role.id, status="pending")
    request = db.session.scalars(pending.with_for_update(of=RoleChangeRequest)).one_or_none()
    if request is None:
        reason = N_("Proposed by an administrator.")
        request = RoleChangeRequest(
            user_id=user.id, requested_role_id=role.id, role_before_id=user.role_id, reason=reason
        )
        db.session.add(request)
    if request.first_approver_id is None:
        request.first_approver_id = by.id
    db.session.flush()
    for other in list_reviewer_ids(without=(by.id, user.id)):
        notify(
            other, title=N_("A role needs the approval of a second administrator."), url="/admin/role-requests", by=by
        )
    return request


def list_reviewer_ids(*, without: tuple[int | None, ...] = ()) -> list[int]:
    """The ids of active accounts that may decide role requests, except those in `without`."""
    may_review = Role.grants.contains([Permission.REVIEW_ROLE_REQUESTS.value])
    query = select(User.id).join(Role, User.role_id == Role.id).where(User.is_active, may_review)
    return [user_id for user_id in db.session.scalars(query) if user_id not in without]


def set_role(user: User, role: Role | None, by: Person) -> None:
    """Set the role, approve the person's pending requests for it, and alert the person. The caller checks permissions."""
    check_not_last_administrator(user, role)
    if user.role_id == (role.id if role else None):
        return
    user.role_id = role.id if role else None
    user.increment_version()
    db.session.flush()
    db.session.expire(user, ["role"])
    if role is not None:
        _approve_pending_requests(user, role, by)
    message = Sentence(N_("Your role was removed. Contact an administrator."))
    if role is not None:
        message = Sentence(N_("Your role is now %(role)s. Reload the page to see your new menu."), role=role.name)
    notify(user.id, title=str(message), url="/profile", by=by)


def _approve_pending_requests(user: User, role: Role, by: Person) -> None:
    pending = select(RoleChangeRequest).filter_by(user_id=user.id, requested_role_id=role.id, status="pending")
    for request in db.session.scalars(pending):
        record_decision(request, "approved", by)


def record_decision(request: RoleChangeRequest, status: str, by: Person) -> None:
    """Set the request's decision. An administrator who approved first and now decides is stored only once."""
    if request.first_approver_id == by.id:
        request.first_approver_id = None
    set_status(request, status)
    request.reviewed_by_id, request.reviewed_at = by.id, clock.now()
    request.increment_version()
    db.session.flush()
