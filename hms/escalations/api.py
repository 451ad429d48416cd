"""JSON: escalations of critical values, and acknowledging them."""

from __future__ import annotations

from typing import Any

from flask import Response

from hms.core.api import read_log
from hms.core.api.blueprint import ApiBlueprint
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Id, Ordering, filter_by_columns, ordered, parameters
from hms.patients.access import policy

from . import actions, exports, queries
from .enums import Cause, EscalationStatus
from .models import Escalation
from .schemas import EscalationDetailOut, EscalationOut, ReadBackIn, escalation_json, history_json

api = ApiBlueprint("escalations_api", __name__, description="Escalations of critical values")
READ = "escalations.read"
ESCALATIONS = parameters(
    **PAGING,
    **DAYS,
    **{name: Id() for name in ("patient", "encounter", "doctor", "acknowledged_by")},
    status=Choice(EscalationStatus),
    cause=Choice(Cause),
    ordering=Ordering(("id", "began_at", "ended_at", "acknowledged_at")),
)


@api.get("/escalations/")
@requires(Permission.READ_ESCALATIONS)
@api.arguments(ESCALATIONS, location="query")
@api.response(200, EscalationOut(many=True))
def escalations(arguments: dict[str, Any]) -> Response:
    """Escalations of critical values, newest first; the days are those on which they began. Of a record that is closed to the
    reader only that there is one, and not with a filter that tells whose it is."""
    row, who = Escalation, current_person()
    about = {"patient": row.patient_id, "encounter": row.encounter_id, "doctor": row.doctor_id}
    columns = {"status": row.status, "acknowledged_by": row.acknowledged_by_id}
    rows = filter_by_columns(queries.select_escalations(who), arguments, on=row.began_at, **about, **columns)
    if any(name in arguments for name in about):
        rows = rows.where(policy.readable_by(who, row.patient_id))
    if "cause" in arguments:
        rows = rows.where(queries.is_about(Cause(arguments["cause"])))
    times = {"began_at": row.began_at, "ended_at": row.ended_at, "acknowledged_at": row.acknowledged_at}
    rows = ordered(rows, arguments, row.id, **times)
    return read_log.list_response(rows, escalation_json, _read_of_row, entity="escalation")


def _read_of_row(row: Any) -> tuple[str, *tuple[read_log.PatientRead, ...]]:
    if not row.is_open:
        return (READ,)
    purpose = policy.EMERGENCY if row.is_emergency else None
    return READ, read_log.PatientRead(row.patient_id, row.id, purpose=purpose)


offer_export(api, escalations, exports.ESCALATIONS, at="/escalations/export/")


@api.get("/escalations/<int:escalation_id>/")
@requires(Permission.READ_ESCALATIONS)
@api.response(200, EscalationDetailOut)
def escalation(escalation_id: int) -> dict[str, Any]:
    """One escalation with its steps: who was told when."""
    return _detail(escalation_id)


def _detail(escalation_id: int) -> dict[str, Any]:
    row = queries.get_escalation(escalation_id, current_person())
    read_log.record_read(READ, row.patient_id, entity="escalation", entity_id=row.id)
    return escalation_json(row) | {"history": history_json(queries.list_steps(row.id))}


@api.post("/escalations/<int:escalation_id>/acknowledge/")
@requires(Permission.ACKNOWLEDGE_ESCALATION)
@api.arguments(ReadBackIn)
@api.response(200, EscalationDetailOut)
def acknowledge(payload: dict[str, Any], escalation_id: int) -> dict[str, Any]:
    """End an escalation by reading its value back: 400 `wrong_value` for another value, 409 when it has ended."""
    actions.acknowledge(escalation_id, **payload, by=current_person())
    return _detail(escalation_id)
