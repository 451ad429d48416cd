"""JSON API: roles and role requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response

from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import if_match, resource_response
from hms.core.db.session import get_or_not_found
from hms.core.errors import NotFound, RuleBroken
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Id, Ordering, filter_by_columns, ordered, parameters
from hms.staff import directory, exports, schemas
from hms.staff.accounts.api import assign_role_directly
from hms.staff.blueprints import api
from hms.staff.models import Role, RoleChangeRequest
from hms.staff.role_requests import actions as role_request_actions
from hms.staff.role_requests import queries
from hms.staff.schemas import request_json, role_json

from . import actions

STATUSES = ("pending", "approved", "rejected", "withdrawn")


@api.get("/roles/")
@requires(Permission.READ_STAFF, Permission.READ_OWN_RECORD)
@api.arguments(parameters(**PAGING, ordering=Ordering(("id", "name"))), location="query")
@api.response(200, schemas.RoleOut(many=True))
def roles_list(arguments: dict[str, Any]) -> Response:
    """The roles of the hospital, built-in ones first."""
    rows = ordered(directory.roles(), {"ordering": "id"} | arguments, Role.id, name=Role.name)
    return paginated_response(rows, lambda role: role_json(role, current_person()))


offer_export(api, roles_list, exports.ROLES, at="/roles/export/")


def _get_active_role(role_id: int) -> Role:
    row = get_or_not_found(Role, role_id)
    if not row.is_active:
        raise NotFound(N_("This record does not exist."))
    return row


def _role_response(row: Role, status: int = 200) -> Response:
    return resource_response(role_json(row, current_person()), row.version, status)


@api.get("/roles/<int:role_id>/")
@requires(Permission.READ_STAFF, Permission.READ_OWN_RECORD)
@api.response(200, schemas.RoleOut)
def role(role_id: int) -> Response:
    """One role."""
    return _role_response(_get_active_role(role_id))


@api.post("/roles/")
@requires(Permission.MANAGE_ROLES)
@api.arguments(schemas.RoleIn)
@api.response(201, schemas.RoleOut)
def add_role(payload: dict[str, Any]) -> Response:
    """Create a role."""
    with _renamed_grants_error():
        return _role_response(
            actions.add_role(grants=payload.pop("permissions", ()), **payload, by=current_person()), 201
        )


@api.put("/roles/<int:role_id>/")
@requires(Permission.MANAGE_ROLES)
@api.arguments(schemas.RoleChangeIn)
@api.response(200, schemas.RoleOut)
def change_role(payload: dict[str, Any], role_id: int) -> Response:
    """Change name, description and permissions; a missing field stays as it is."""
    _get_active_role(role_id)
    grants = payload.pop("permissions", None)
    with (
        if_match(lambda: _get_active_role(role_id), lambda row: role_json(row, current_person())) as version,
        _renamed_grants_error(),
    ):
        row = actions.change_role(role_id, version=version, grants=grants, **payload, by=current_person())
    return _role_response(row)


@contextmanager
def _renamed_grants_error() -> Iterator[None]:
    """Rename the field `grants` of a `RuleBroken` to `permissions`, its name in the API."""
    try:
        yield
    except RuleBroken as refused:
        raise RuleBroken.from_error(refused, "permissions" if refused.field == "grants" else refused.field) from refused


@api.delete("/roles/<int:role_id>/")
@requires(Permission.MANAGE_ROLES)
@api.response(204)
def put_role_away(role_id: int) -> None:
    """Close a role; 409 while anybody has it, or when it is built in."""
    _get_active_role(role_id)
    actions.deactivate_role(role_id, by=current_person())


def _visible_user_id() -> int | None:
    """The user whose requests the caller may see; None (everybody's) for those who decide requests."""
    return None if current_person().may(Permission.REVIEW_ROLE_REQUESTS) else current_person().id


REQUESTS = parameters(
    **PAGING,
    **DAYS,
    user=Id(),
    requested_role=Id(),
    reviewed_by=Id(),
    status=Choice(STATUSES),
    ordering=Ordering(("id", "created_at", "reviewed_at", "updated_at")),
)


@api.get("/role-change-requests/")
@requires(Permission.SIGNED_IN)
@api.arguments(REQUESTS, location="query")
@api.response(200, schemas.RequestOut(many=True))
def requests_list(arguments: dict[str, Any]) -> Response:
    """Requests for roles, newest first: all for administrators, one's own for others."""
    table = RoleChangeRequest
    columns = {"user": table.user_id, "requested_role": table.requested_role_id, "status": table.status}
    columns |= {"reviewed_by": table.reviewed_by_id}
    rows = filter_by_columns(
        queries.select_requests(user_id=_visible_user_id()), arguments, on=table.created_at, **columns
    )
    times = {name: getattr(table, name) for name in ("created_at", "reviewed_at", "updated_at")}
    rows = ordered(rows, arguments, table.id, **times)
    return paginated_response(rows, lambda row: request_json(row, current_person()))


offer_export(api, requests_list, exports.REQUESTS, at="/role-change-requests/export/")


@api.post("/role-change-requests/")
@requires(Permission.REQUEST_ROLE)
@api.arguments(schemas.RequestIn)
@api.response(201, schemas.RequestOut)
def ask(payload: dict[str, Any]) -> Response:
    """Request a role."""
    row = role_request_actions.request_role(**payload, by=current_person())
    return _request_response(row.id, 201)


def _request_response(request_id: int, status: int = 200) -> Response:
    row = queries.get_request(request_id, user_id=_visible_user_id())
    return resource_response(request_json(row, current_person()), row.version, status)


@api.get("/role-change-requests/<int:request_id>/")
@requires(Permission.REQUEST_ROLE)
@api.response(200, schemas.RequestOut)
def request_(request_id: int) -> Response:
    """One request."""
    return _request_response(request_id)


@api.put("/role-change-requests/<int:request_id>/")
@requires(Permission.REQUEST_ROLE)
@api.arguments(schemas.RequestChangeIn)
@api.response(200, schemas.RequestOut)
def change_request(payload: dict[str, Any], request_id: int) -> Response:
    """Change the reason or role of one's own pending request."""
    who = current_person()
    with if_match(
        lambda: queries.get_request(request_id, user_id=who.id), lambda row: request_json(row, who)
    ) as version:
        role_request_actions.change_request(request_id, version=version, **payload, by=who)
    return _request_response(request_id)


@api.post("/role-change-requests/<int:request_id>/withdraw/")
@requires(Permission.REQUEST_ROLE)
@api.response(200, schemas.StatusOut)
def withdraw(request_id: int) -> dict[str, str]:
    """Withdraw one's own request."""
    return {"status": role_request_actions.withdraw_request(request_id, by=current_person()).status}


@api.delete("/role-change-requests/<int:request_id>/")
@requires(Permission.REVIEW_ROLE_REQUESTS)
@api.response(204)
def archive(request_id: int) -> None:
    """Remove a request from the list; it is not deleted."""
    role_request_actions.archive_request(request_id, by=current_person())


@api.post("/role-change-requests/<int:request_id>/approve/")
@requires(Permission.REVIEW_ROLE_REQUESTS)
@api.arguments(schemas.AnswerIn)
@api.response(200, schemas.StatusOut)
def approve(payload: dict[str, Any], request_id: int) -> dict[str, str]:
    """Approve a request; the status "pending" in the response means that a second administrator must also approve."""
    return {"status": role_request_actions.approve_request(request_id, **payload, by=current_person()).status}


@api.post("/role-change-requests/<int:request_id>/reject/")
@requires(Permission.REVIEW_ROLE_REQUESTS)
@api.arguments(schemas.AnswerIn)
@api.response(200, schemas.StatusOut)
def reject(payload: dict[str, Any], request_id: int) -> dict[str, str]:
    """Reject a request."""
    return {"status": role_request_actions.reject_request(request_id, **payload, by=current_person()).status}


@api.post("/role-change-requests/assign_role/")
@requires(Permission.REVIEW_ROLE_REQUESTS)
@api.arguments(schemas.AssignIn)
@api.response(200, schemas.StatusOut)
def assign_role(payload: dict[str, Any]) -> dict[str, str]:
    """Give a role without a request."""
    return assign_role_directly(payload["user_id"], payload["role_id"])
