"""Looking up requests for roles, and what a change of role means."""

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
    """Every request on the list (or one person's), newest first, with people and roles."""
    people = (RoleChangeRequest.user, RoleChangeRequest.first_approver, RoleChangeRequest.reviewed_by)
    roles = (RoleChangeRequest.requested_role, RoleChangeRequest.role_before)
    query = select(RoleChangeRequest).options(*(joinedload(one) for one in (*people, *roles)))
    query = query.where(RoleChangeRequest.archived_at.is_(None))
    if user_id is not None:
        query = query.where(RoleChangeRequest.user_id == user_id)
    if status is not None:
        query = query.where(RoleChangeRequest.status == status)
    return query.order_by(RoleChangeRequest.id.desc())


def get_request(request_id: int, *, of: int | None = None) -> RoleChangeRequest:
    """A request with people and roles; `NotFound` when there is none, or it is not that of the person `of`."""
    query = select_requests(user_id=of).where(RoleChangeRequest.id == request_id)
    row = db.session.scalars(query).unique().one_or_none()
    if row is None:
        raise NotFound(N_("This record does not exist."))
    return row


def count_waiting() -> int:
    """How many requests wait for an answer."""
    return db.session.execute(_count_waiting()).scalar_one()


@cache
def _count_waiting() -> Select:
    waiting = (RoleChangeRequest.status == "pending", RoleChangeRequest.archived_at.is_(None))
    return select(func.count()).select_from(RoleChangeRequest).where(*waiting)


@dataclass(frozen=True)
class PermissionChange:
    """What somebody gains and loses by a change of role, as stored names of actions."""

    gains: list[str]
    loses: list[str]


def permission_change(now: Role | None, then: Role | None) -> PermissionChange:
    """From the role one has to the one asked for."""
    had, gets = set(now.grants if now else ()), set(then.grants if then else ())
    return PermissionChange(sorted(gets - had), sorted(had - gets))
