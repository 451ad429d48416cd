"""JSON: requests to merge two records or to separate them, and their approval."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import or_, select

from hms.core.api import read_log
from hms.core.api.preconditions import resource_response
from hms.core.db.session import get_or_not_found
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Id, Ordering, filter_by_columns, ordered, parameters
from hms.patients import exports
from hms.patients.blueprints import api
from hms.patients.enums import MergeKind, MergeStatus
from hms.patients.models import Patient, PatientMerge
from hms.patients.read_entries import reads_of_both, record_read_of_both
from hms.staff.sign_in.reauthentication import reauthenticate

from . import actions, moved_rows
from .moved_rows import Row
from .schemas import (
    LaterRowsOut,
    MergeApprovalIn,
    MergeIn,
    MergeOut,
    MergeRefusalIn,
    SeparationIn,
    later_rows_json,
    merge_json,
)

MERGES = parameters(
    **PAGING,
    **DAYS,
    patient=Id(),
    requested_by=Id(),
    decided_by=Id(),
    kind=Choice(MergeKind),
    status=Choice(MergeStatus),
    ordering=Ordering(("id", "created_at", "decided_at")),
)


def _answer(request: PatientMerge, status: int = 200) -> Response:
    return resource_response(merge_json(request), 1, status)


@api.get("/patient-merges/")
@requires(Permission.PROPOSE_MERGE)
@api.arguments(MERGES, location="query")
@api.response(200, MergeOut(many=True))
def merges(arguments: dict[str, Any]) -> Response:
    """Requests to merge and to separate records, newest first. Filters: patient (either of the two), requested_by, decided_by,
    kind, status, and date, date_from, date_to (days of the request)."""
    columns = {name: getattr(PatientMerge, name) for name in ("kind", "status")}
    people = {"requested_by": PatientMerge.requested_by_id, "decided_by": PatientMerge.decided_by_id}
    query = select(PatientMerge, PatientMerge.id)
    query = filter_by_columns(query, arguments, on=PatientMerge.created_at, **columns, **people)
    patient_id = arguments.get("patient")
    if patient_id is not None:
        query = query.where(or_(PatientMerge.kept_id == patient_id, PatientMerge.merged_id == patient_id))
    sortable = {name: getattr(PatientMerge, name) for name in ("created_at", "decided_at")}
    return read_log.list_response(
        ordered(query, arguments, PatientMerge.id, **sortable),
        lambda row: merge_json(row.PatientMerge),
        lambda row: reads_of_both(row.PatientMerge.kept_id, row.PatientMerge.merged_id),
        entity="patient_merge",
    )


offer_export(api, merges, exports.MERGES, at="/patient-merges/export/")


@api.get("/patient-merges/<int:merge_id>/")
@requires(Permission.PROPOSE_MERGE)
@api.response(200, MergeOut)
def merge(merge_id: int) -> Response:
    """One request."""
    request = get_or_not_found(PatientMerge, merge_id)
    record_read_of_both(request.kept_id, request.merged_id)
    return _answer(request)


@api.get("/patient-merges/<int:merge_id>/later-rows/")
@requires(Permission.PROPOSE_MERGE)
@api.response(200, LaterRowsOut)
def later_rows(merge_id: int) -> Response:
    """The rows that were added since a merge, before it is undone: send those of the merged record with the separation."""
    request = get_or_not_found(PatientMerge, merge_id)
    both = (get_or_not_found(Patient, patient_id) for patient_id in (request.kept_id, request.merged_id))
    actions.check_restricted(both, current_person())
    plan = moved_rows.plan_separation(request)
    record_read_of_both(request.kept_id, request.merged_id)
    return resource_response(later_rows_json(plan), 1)


@api.post("/patient-merges/")
@requires(Permission.PROPOSE_MERGE)
@api.arguments(MergeIn)
@api.response(201, MergeOut)
def request_merge(payload: dict[str, Any]) -> Response:
    """Request that two records of one patient become one; another person approves or declines."""
    values = {name: payload[name] for name in ("reason", "choices", "confirmed")}
    return _answer(actions.request_merge(payload["kept"], payload["merged"], **values, by=current_person()), 201)


@api.post("/patient-merges/<int:merge_id>/separate/")
@requires(Permission.PROPOSE_MERGE)
@api.arguments(SeparationIn)
@api.response(201, MergeOut)
def request_separation(payload: dict[str, Any], merge_id: int) -> Response:
    """Request that an approved merge is undone; another person approves or declines."""
    rows = [Row(row["table"], row["id"]) for row in payload["rows"]]
    asked = actions.request_separation(merge_id, reason=payload["reason"], rows=rows, by=current_person())
    return _answer(asked, 201)


@api.post("/patient-merges/<int:merge_id>/approve/")
@requires(Permission.APPROVE_MERGE)
@api.arguments(MergeApprovalIn)
@api.response(200, MergeOut)
def approve(payload: dict[str, Any], merge_id: int) -> Response:
    """Approve another person's request, with the password or code again. It takes effect at once."""
    get_or_not_found(PatientMerge, merge_id)
    reauthenticate(payload["proof"], by=current_person())
    return _answer(actions.approve(merge_id, by=current_person()))


@api.post("/patient-merges/<int:merge_id>/decline/")
@requires(Permission.APPROVE_MERGE)
@api.arguments(MergeRefusalIn)
@api.response(200, MergeOut)
def decline(payload: dict[str, Any], merge_id: int) -> Response:
    """Decline another person's request, with a reason."""
    return _answer(actions.decline(merge_id, reason=payload["reason"], by=current_person()))


@api.delete("/patient-merges/<int:merge_id>/")
@requires(Permission.PROPOSE_MERGE)
@api.response(204)
def withdraw(merge_id: int) -> tuple[str, int]:
    """Withdraw one's own request before it is decided."""
    actions.withdraw_request(merge_id, by=current_person())
    return "", 204
