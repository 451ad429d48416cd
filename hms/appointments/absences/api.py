"""JSON: the times in which doctors are away, and what becomes of their appointments."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from sqlalchemy import Row

from hms.appointments import exports
from hms.appointments.blueprints import api
from hms.appointments.bookings.api import sees_full_booking
from hms.appointments.models import Absence
from hms.appointments.schemas import full_name
from hms.core import clock
from hms.core.api import read_log
from hms.core.api.pagination import paginated_response
from hms.core.errors import NotFound
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Id, Ordering, bounds, ordered, parameters

from . import actions, queries, rules
from .queries import Plan, Span, Step
from .schemas import AbsenceIn, AbsenceOut, AbsenceRecordedOut, AwayPlanOut, SettleIn

COLUMNS = {
    "starts": Absence.starts,
    "ends": Absence.ends,
    "created_at": Absence.created_at,
    "updated_at": Absence.updated_at,
}
ABSENCES = parameters(**PAGING, **DAYS, doctor=Id(), ordering=Ordering(("id", *COLUMNS)))


def absence_json(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "doctor": row.doctor_id,
        "doctor_name": row.doctor_name,
        "starts": row.starts.isoformat(),
        "ends": row.ends.isoformat(),
        "reason": row.reason,
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
    }


def _recorded_json(recorded: actions.Recorded) -> dict[str, Any]:
    plan = recorded.plan
    return absence_json(queries.get_absence(recorded.absence.id)) | {
        "moved": plan.moved,
        "cancelled": plan.cancelled,
        "left": [{"appointment": step.booking.id, "reason": step.stays} for step in plan.by_time if step.stays],
    }


def _step_json(step: Step, *, sees_all: bool) -> dict[str, Any]:
    booking, target = step.booking, step.target
    names = {"patient_name": full_name(booking)} if sees_all else {}
    return names | {
        "appointment": booking.id,
        "patient": booking.patient_id,
        "date": booking.date.isoformat(),
        "time": booking.time.isoformat("seconds"),
        "status": booking.status,
        "to_date": target.day.isoformat() if target else None,
        "to_time": target.time.isoformat("seconds") if target else None,
        "is_cancelled": step.is_cancelled,
        "stays": step.stays,
        "channel": step.channel,
    }


@api.get("/absences/")
@requires(Permission.READ_APPOINTMENTS)
@api.arguments(ABSENCES, location="query")
@api.response(200, AbsenceOut(many=True))
def absences(arguments: dict[str, Any]) -> Response:
    """The times in which doctors are away, by start. Filters: doctor, date, date_from, date_to: those that overlap the days."""
    query, days = queries.select_absences(), bounds(arguments)
    query = query if days.first is None else query.where(Absence.ends > days.first)
    query = query if days.end is None else query.where(Absence.starts < days.end)
    if "doctor" in arguments:
        query = query.where(Absence.doctor_id == arguments["doctor"])
    rows = ordered(query, {"ordering": "starts"} | arguments, Absence.id, **COLUMNS)
    return paginated_response(rows, absence_json)


offer_export(api, absences, exports.ABSENCES, at="/absences/export/")


@api.post("/absences/")
@requires(Permission.BLOCK_TIME)
@api.arguments(AbsenceIn)
@api.response(201, AbsenceRecordedOut)
def record_absence(payload: dict[str, Any]) -> tuple[Response, int]:
    """Record that a doctor is away; doctors only for themselves. With appointments in that time: 409 `has_bookings` unless
    `bookings` says what becomes of them. What fits nowhere stays and is in `left`. 409 `changed` when they are not those of the
    preview `seen`."""
    span, reason = _span(payload), payload.get("reason", "")
    recorded = actions.record_absence(
        span.doctor_id, starts=span.starts, ends=span.ends, reason=reason, **_instruction(payload), by=current_person()
    )
    return jsonify(_recorded_json(recorded)), 201


def _span(payload: dict[str, Any]) -> Span:
    starts, ends = rules.read_times(payload["date"], payload.get("starts"), payload.get("until"), payload.get("ends"))
    return Span(payload["doctor"], starts, ends)


def _instruction(payload: dict[str, Any]) -> dict[str, Any]:
    instruction = rules.make_instruction(payload.get("bookings"), payload.get("to_date"), payload.get("to_doctor"))
    return {"instruction": instruction, "seen": payload.get("seen") or None}


@api.post("/absences/preview/")
@requires(Permission.BLOCK_TIME)
@api.arguments(AbsenceIn)
@api.response(200, AwayPlanOut)
def preview_absence(payload: dict[str, Any]) -> Response:
    """What would become of the appointments; nothing is changed."""
    span = _span(payload)
    if not queries.may_keep_time_of(span.doctor_id, current_person()):
        raise NotFound(N_("This record does not exist."))
    rules.check_times(span.starts, span.ends, clock.now())
    plan = queries.make_plan(span, _instruction(payload)["instruction"])
    return _plan_response(plan)


def _plan_response(plan: Plan) -> Response:
    reads = [read_log.PatientRead(step.booking.patient_id, step.booking.id) for step in plan.steps]
    read_log.record_reads("appointments.read_list", reads, entity="appointment")
    sees_all = sees_full_booking(current_person())
    steps = [_step_json(step, sees_all=sees_all) for step in plan.by_time]
    return jsonify({"seen": plan.key, "moved": plan.moved, "cancelled": plan.cancelled, "appointments": steps})


@api.get("/absences/<int:absence_id>/")
@requires(Permission.READ_APPOINTMENTS)
@api.response(200, AbsenceOut)
def absence(absence_id: int) -> Response:
    """One absence."""
    return jsonify(absence_json(queries.get_absence(absence_id)))


@api.post("/absences/<int:absence_id>/appointments/")
@requires(Permission.BLOCK_TIME)
@api.arguments(SettleIn)
@api.response(200, AbsenceRecordedOut)
def settle_absence(payload: dict[str, Any], absence_id: int) -> Response:
    """Move or cancel the appointments that are still in the time of an absence."""
    return jsonify(_recorded_json(actions.settle_absence(absence_id, **_instruction(payload), by=current_person())))


@api.delete("/absences/<int:absence_id>/")
@requires(Permission.BLOCK_TIME)
@api.response(204)
def remove_absence(absence_id: int) -> tuple[str, int]:
    """Remove an absence; doctors only their own. Appointments that were moved or cancelled stay so."""
    actions.remove_absence(absence_id, by=current_person())
    return "", 204
