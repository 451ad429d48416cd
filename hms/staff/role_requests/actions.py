"""Requests for another role and the decisions of administrators. Nobody decides their own request."""

from __future__ import annotations

from typing import Any

from hms.core import clock
from hms.core.actions import STALE_MESSAGE, action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict, NotFound, RuleBroken, StaleVersion
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_
from hms.staff.enums import RequestStatus
from hms.staff.models import RoleChangeRequest, User
from hms.staff.notifier import notify
from hms.staff.roles import assignment
from hms.staff.roles.administrators import check_may_grant, check_may_manage, lock_administrators

MAX_REASON_LENGTH = 1000
ALREADY_DECIDED = N_("This request is already decided.")


@action(Permission.REQUEST_ROLE, "staff.ask")
def request_role(*, requested_role_id: int, reason: str, by: Person) -> RoleChangeRequest:
    """Request a role; everybody who may decide gets an alert."""
    user = get_for_update(User, by.id)
    row = RoleChangeRequest(
        user_id=user.id, requested_role_id=_check_requested_role(user, requested_role_id), reason=_clean_reason(reason)
    )
    row.role_before_id = user.role_id
    db.session.add(row)
    db.session.flush()
    for reviewer in assignment.list_reviewer_ids(without=(user.id,)):
        notify(reviewer, title=N_("New role request."), url="/admin/role-requests", by=by)
    return row


def _check_requested_role(user: User, role_id: int) -> int:
    role = assignment.get_active_role(role_id, "requested_role_id")
    if role is None or role.id == user.role_id:
        raise RuleBroken(N_("You already have this role."), "requested_role_id")
    return role.id


def _clean_reason(reason: str) -> str:
    cleaned = clean_field(reason, "reason", longest=MAX_REASON_LENGTH, multiline=True)
    if not cleaned:
        raise RuleBroken(N_("Enter the reason for the request."), "reason")
    return cleaned


@action(Permission.REQUEST_ROLE, "staff.change")
def change_request(request_id: int, *, version: int | None = None, by: Person, **changes: Any) -> RoleChangeRequest:
    """Change one's own pending request (`requested_role_id`, `reason`) that nobody has approved yet."""
    row = _get_own_request(request_id, by)
    _check_open(row, version)
    if row.first_approver_id is not None:
        raise Conflict(
            N_("An administrator has already approved this request. Withdraw it to request another role."),
            code="approved_once",
        )
    if changes.get("requested_role_id") is not None:
        row.requested_role_id = _check_requested_role(get_for_update(User, by.id), changes["requested_role_id"])
    if changes.get("reason") is not None:
        row.reason = _clean_reason(changes["reason"])
    row.increment_version()
    db.session.flush()
    return row


@action(Permission.REQUEST_ROLE, "staff.withdraw")
def withdraw_request(request_id: int, *, by: Person) -> RoleChangeRequest:
    """Withdraw one's own request."""
    row = _get_own_request(request_id, by)
    _check_open(row)
    set_status(row, RequestStatus.WITHDRAWN)
    row.increment_version()
    return row


@action(Permission.REVIEW_ROLE_REQUESTS, "staff.approve")
def approve_request(
    request_id: int, *, admin_response: str = "", version: int | None = None, by: Person
) -> RoleChangeRequest:
    """Give the requested role. A role that needs two administrators stays pending until the second approval."""
    row, user = _get_request_to_decide(request_id, version, by)
    role = assignment.get_active_role(row.requested_role_id, "requested_role_id")
    check_may_manage(user, by)
    check_may_grant(by, role.grants)
    if not user.is_active and not user.awaits_approval:
        raise Conflict(N_("This account is closed. Open it again first."), code="inactive")
    row.admin_response = (
        clean_field(admin_response, "admin_response", longest=MAX_REASON_LENGTH, multiline=True) or row.admin_response
    )
    if assignment.needs_second_administrator(role, user, by) and row.first_approver_id in (None, by.id):
        _approve_first(row, user, by)
        return row
    if user.awaits_approval:
        user.awaits_approval, user.is_active, user.inactive_reason = False, True, ""
        db.session.flush()
    row.role_before_id = user.role_id
    assignment.set_role(user, role, by)
    if row.status == "pending":  # the person already had the role, so `set_role` did not decide the request
        assignment.record_decision(row, "approved", by)
    return row


def _approve_first(row: RoleChangeRequest, user: User, by: Person) -> None:
    if row.first_approver_id == by.id:
        raise Conflict(assignment.NEEDS_SECOND_ADMINISTRATOR, code="needs_second")
    row.increment_version()
    assignment.save_first_approval(user, row.requested_role, by)


@action(Permission.REVIEW_ROLE_REQUESTS, "staff.reject")
def reject_request(
    request_id: int, *, admin_response: str = "", version: int | None = None, by: Person
) -> RoleChangeRequest:
    """Reject a request; an account that was requested with it stays closed."""
    row, user = _get_request_to_decide(request_id, version, by)
    row.admin_response = clean_field(admin_response, "admin_response", longest=MAX_REASON_LENGTH, multiline=True)
    row.role_before_id = user.role_id
    assignment.record_decision(row, "rejected", by)
    if user.awaits_approval:
        user.awaits_approval, user.inactive_reason = False, N_("The account request was rejected.")
        user.increment_version()
    notify(user.id, title=N_("Your role request was rejected. See the reason."), url="/profile/role", by=by)
    return row


@action(Permission.REVIEW_ROLE_REQUESTS, "staff.archive")
def archive_request(request_id: int, *, by: Person) -> RoleChangeRequest:
    """Remove a request from the list without deleting it; a pending request is withdrawn."""
    row = _get_request(request_id)
    if row.status == "pending":
        set_status(row, RequestStatus.WITHDRAWN)
    row.archived_at = clock.now()
    row.increment_version()
    return row


def _get_request(request_id: int) -> RoleChangeRequest:
    row = get_for_update(RoleChangeRequest, request_id)
    if row.archived_at is not None:
        raise NotFound(N_("This record does not exist."))
    return row


def _get_own_request(request_id: int, by: Person) -> RoleChangeRequest:
    row = _get_request(request_id)
    if row.user_id != by.id:
        raise NotFound(N_("This record does not exist."))
    return row


def _check_open(row: RoleChangeRequest, version: int | None = None) -> None:
    if row.status != "pending":
        raise Conflict(ALREADY_DECIDED, code="already_reviewed")
    if version is not None and row.version != version:
        raise StaleVersion(STALE_MESSAGE)


def _get_request_to_decide(request_id: int, version: int | None, by: Person) -> tuple[RoleChangeRequest, User]:
    lock_administrators(by, Permission.REVIEW_ROLE_REQUESTS)
    row = _get_request(request_id)
    _check_open(row, version)
    user = get_for_update(User, row.user_id)
    assignment.check_not_own_role(user, by)
    return row, user
