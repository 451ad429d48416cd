"""Endpoints of the audit trail, sign-ins, health, and the API documentation."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, jsonify, render_template
from marshmallow import fields
from sqlalchemy import select

from hms.admin import exports
from hms.core import disk_space
from hms.core.api.blueprint import ApiSchema
from hms.core.api.pagination import paginated_response
from hms.core.db.session import db
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.fields import MAX_ID
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import (
    DAYS,
    PAGING,
    Choice,
    Id,
    Number,
    Ordering,
    TextLine,
    filter_by_columns,
    get_day_range,
    ordered,
    parameters,
)
from hms.staff import directory as staff
from hms.staff.login_security import activity
from hms.staff.models import LoginActivity

from .audit_trail import labels
from .audit_trail import queries as audit_trail_queries
from .audit_trail.masking import mask_values
from .blueprints import api
from .system import queries as system_queries


class AuditOut(ApiSchema):
    id = fields.Integer()
    action = fields.String()
    object_type = fields.String()
    object_id = fields.Integer(allow_none=True)
    description = fields.String()
    timestamp = fields.DateTime()
    details = fields.Dict()
    user = fields.String()
    outcome = fields.String()
    ip_address = fields.String(allow_none=True)
    patient = fields.Integer(allow_none=True)


class SignInOut(ApiSchema):
    id = fields.Integer()
    user = fields.Integer(allow_none=True)
    username = fields.String()
    timestamp = fields.DateTime()
    ip_address = fields.String()
    user_agent = fields.String()
    status = fields.String()


class HealthOut(ApiSchema):
    """Everybody sees the first two fields, and `disk` while it is full; administrators see all."""

    status = fields.String()
    database = fields.String()
    disk = fields.String(metadata={"enum": ["ok", "full"]})
    broker = fields.String()
    waiting_work = fields.Integer()
    failed_work = fields.Integer()
    free_disk_gb = fields.Integer()


def audit_json(row: Any) -> dict[str, Any]:
    """One entry: the changed fields with their values, clinical text masked."""
    return {
        "id": row.id,
        "action": row.action,
        "object_type": row.entity or "",
        "object_id": row.entity_id,
        "description": f"{labels.change_kind(row.old, row.new, row.outcome, row.action)}: {row.entity or row.action}",
        "timestamp": row.recorded_at,
        "details": mask_values(row.entity, row.new or row.old),
        "user": row.actor_name or "",
        "outcome": row.outcome,
        "ip_address": None if row.ip is None else str(row.ip),
        "patient": row.patient_id,
    }


AUDIT_PARAMETERS = parameters(
    **PAGING,
    **DAYS,
    patient=Id(),
    user=TextLine(150),
    user_id=Number(),
    action=TextLine(80),
    object_type=TextLine(80),
    object_id=Number(),
    outcome=Choice(("success", "denied")),
    ordering=Ordering(("id", "timestamp")),
)


def _audit(arguments: dict[str, Any]) -> Response:
    day_from, day_to = get_day_range(arguments)
    patient_id = arguments.get("patient")
    action, kind = arguments.get("action"), arguments.get("object_type")
    filters = audit_trail_queries.AuditFilter(
        day_from=day_from,
        day_to=day_to,
        actor_ids=_actor_ids(arguments),
        patient_ids=None if patient_id is None else (patient_id,),
        actions=(action,) if action else None,
        entity=kind or None,
        entity_id=arguments.get("object_id"),
    )
    patient_ids = set()

    def project(row: Any) -> dict[str, Any]:
        patient_ids.add(row.patient_id)
        return audit_json(row)

    entry = audit_trail_queries.ENTRY
    rows = filter_by_columns(audit_trail_queries.query(filters), arguments, outcome=entry.outcome)
    rows = ordered(rows, arguments, entry.id, timestamp=entry.recorded_at)
    response = paginated_response(rows, project)
    audit_trail_queries.record_trail_read(filters, patient_ids)
    return response


def _actor_ids(arguments: dict[str, Any]) -> tuple[int, ...] | None:
    """The accounts of the filters `user` (an id, or a name) and `user_id`; None without these filters."""
    user, user_id = arguments.get("user"), arguments.get("user_id")
    if user is None:
        return None if user_id is None else (user_id,)
    is_id = user.isascii() and user.isdigit()
    ids = [int(user)] if is_id else staff.find_account_ids(user, audit_trail_queries.MAX_FILTERED)
    return tuple(found for found in ids if found <= MAX_ID and user_id in (None, found))


@api.get("/audit-logs/")
@requires(Permission.READ_AUDIT)
@api.arguments(AUDIT_PARAMETERS, location="query")
@api.response(200, AuditOut(many=True))
def audit_logs(arguments: dict[str, Any]) -> Response:
    """Who did what and when, newest first."""
    return _audit(arguments)


offer_export(api, audit_logs, exports.AUDIT_LOGS, at="/audit-logs/export/")


@api.get("/audit_logs/")
@requires(Permission.READ_AUDIT)
@api.arguments(AUDIT_PARAMETERS, location="query")
@api.response(200, AuditOut(many=True))
def audit_logs_by_another_name(arguments: dict[str, Any]) -> Response:
    """The same list at the address of older clients."""
    return _audit(arguments)


SIGN_IN_PARAMETERS = parameters(
    **PAGING, **DAYS, user=Id(), status=Choice(activity.OUTCOMES), ordering=Ordering(("id", "timestamp"))
)


@api.get("/login-activity/")
@requires(Permission.READ_SIGN_INS)
@api.arguments(SIGN_IN_PARAMETERS, location="query")
@api.response(200, SignInOut(many=True))
def login_activity(arguments: dict[str, Any]) -> Response:
    """Sign-in attempts, newest first."""
    columns = {"user": LoginActivity.user_id, "status": LoginActivity.status}
    rows = filter_by_columns(system_queries.select_sign_ins(), arguments, on=LoginActivity.at, **columns)
    rows = ordered(rows, arguments, LoginActivity.id, timestamp=LoginActivity.at)
    return paginated_response(rows, system_queries.sign_in_values)


offer_export(api, login_activity, exports.LOGIN_ACTIVITY, at="/login-activity/export/")


@api.get("/health/")
@requires(Permission.PUBLIC)
@api.response(200, HealthOut)
def health() -> dict[str, Any]:
    """Whether HMS works; administrators see the status of each part."""
    person = current_person()
    if not (person.is_authenticated and person.may(Permission.ADMINISTER)):
        db.session.execute(select(1))
        if disk_space.is_full():
            return {"status": "degraded", "database": "ok", "disk": "full"}
        return {"status": "ok", "database": "ok"}
    status = system_queries.get_health()
    return {
        "status": "ok" if status.is_ok else "degraded",
        "database": "ok",
        "disk": "full" if status.is_disk_full else "ok",
        "broker": "ok" if status.broker else "down",
        "waiting_work": status.waiting,
        "failed_work": status.failed,
        "free_disk_gb": status.free_gb,
    }


@api.get("/openapi.json")
@requires(Permission.PUBLIC)
@api.doc(tags=["documentation"])
def openapi() -> Response:
    """The OpenAPI document of this API."""
    return jsonify(current_app.extensions["hms_api"].spec.to_dict())


@api.get("/docs/")
@requires(Permission.PUBLIC)
@api.doc(tags=["documentation"])
def documentation() -> str:
    """The API documentation as a page, which loads nothing from other sites."""
    return render_template("admin/api_documentation.html")
