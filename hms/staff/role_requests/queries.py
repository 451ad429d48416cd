"""Queries for role requests; the permissions gained and lost by a change of role."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.text.translation import N_
from hms.staff.models import Role, RoleChangeRequest


def select_requests(*, user_id: int | None = None, status: str | None = None) -> Select[tuple[RoleChangeRequest]]:
    """A query for requests that are not archived, newest first, with people and roles; `user_id` limits it to one person."""
    people = (RoleChangeRequest.user, RoleChangeRequest.first_approver, RoleChangeRequest.reviewed_by)
    roles = (RoleChangeRequest.requested_role, RoleChangeRequest.role_before)
    query = select(RoleChangeRequest).options(*(joinedload(relation) for relation in (*people, *roles)))
    query = query.where(RoleChangeRequest.archived_at.is_(None))
    if user_id is not None:
        query = query.where(RoleChangeRequest.user_id == user_id)
    if status is not None:
        query = query.where(RoleChangeRequest.status == status)
    return query.order_by(RoleChangeRequest.id.desc())


def get_request(request_id: int, *, user_id: int | None = None) -> RoleChangeRequest:
    """A request with people and roles; raises `NotFound`, also when it is not a request of `user_id`."""
    query = select_requests(user_id=user_id).where(RoleChangeRequest.id == request_id)
    row = db.session.scalars(query).unique().one_or_none()
    if row is None:
        raise NotFound(N_("This record does not exist."))
    return row


def count_waiting() -> int:
    """The number of pending requests."""
    return db.session.execute(_count_waiting()).scalar_one()


@cache
def _count_waiting() -> Select:
    is_pending = (RoleChangeRequest.status == "pending", RoleChangeRequest.archived_at.is_(None))
    return select(func.count()).select_from(RoleChangeRequest).where(*is_pending)


@dataclass(frozen=True)
class PermissionChange:
    """The permissions gained and lost by a change of role."""

    gains: list[str]
    loses: list[str]


def permission_change(old: Role | None, new: Role | None) -> PermissionChange:
    """The stored names of the permissions gained and lost between two roles (None: no role)."""
    before, after = set(old.grants if old else ()), set(new.grants if new else ())
    return PermissionChange(sorted(after - before), sorted(before - after))
