"""JSON: repeat an appointment; move or cancel an appointment of a series and all that follow."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from hms.appointments.blueprints import api
from hms.appointments.bookings.actions import NO_APPOINTMENT
from hms.appointments.bookings.queries import get_appointment
from hms.appointments.enums import RepeatUnit
from hms.core.api import read_log
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires

from . import actions, queries
from .queries import FollowingPlan, Occurrence, Shift, Step
from .rules import Pattern
from .schemas import FollowingIn, FollowingOut, SeriesIn, SeriesOut, SeriesPlanOut


def _read_own_booking(appointment_id: int) -> Any:
    """The booking, for a person who may change it; records the read. Raises `NotFound`."""
    row, who = get_appointment(appointment_id), current_person()
    if not who.may(Permission.EDIT_ANY_APPOINTMENT) and row.doctor_id != who.id:
        raise NotFound(NO_APPOINTMENT)
    read_log.record_read("appointments.read", row.patient_id, entity="appointment", entity_id=appointment_id)
    return row


def _pattern(payload: dict[str, Any]) -> Pattern:
    return Pattern(payload["every"], RepeatUnit(payload["unit"]), payload.get("times"), payload.get("until"))


def _occurrence_json(one: Occurrence) -> dict[str, Any]:
    return {
        "date": one.target.day.isoformat(),
        "time": one.target.time.isoformat("seconds"),
        "clash": one.clash,
        "holiday": one.holiday,
    }


@api.post("/appointments/<int:appointment_id>/series/preview/")
@requires(Permission.BOOK)
@api.arguments(SeriesIn)
@api.response(200, SeriesPlanOut)
def preview_series(payload: dict[str, Any], appointment_id: int) -> Response:
    """The dates on which the appointment would be repeated, each with what stands against it; nothing is booked."""
    plan = queries.plan_series(_read_own_booking(appointment_id), _pattern(payload))
    return jsonify({"seen": plan.key, "dates": [_occurrence_json(one) for one in plan.occurrences]})


@api.post("/appointments/<int:appointment_id>/series/")
@requires(Permission.BOOK)
@api.arguments(SeriesIn)
@api.response(201, SeriesOut)
def book_series(payload: dict[str, Any], appointment_id: int) -> tuple[Response, int]:
    """Repeat the appointment on the dates that are free; the others are in `left`. 409 `changed` when they are not those of the
    preview `seen`, `in_series` when it is repeated already."""
    made = actions.book_series(
        appointment_id, pattern=_pattern(payload), seen=payload.get("seen") or None, by=current_person()
    )
    left = [_occurrence_json(one) for one in made.plan.occurrences if one.clash]
    body = {"series": made.series.id, "booked": [booking.id for booking in made.bookings], "left": left}
    return jsonify(body), 201


def _shift(payload: dict[str, Any], doctor_id: int) -> Shift | None:
    """Where the appointments move to; None when they are cancelled."""
    if payload.get("cancel"):
        return None
    missing = next((name for name in ("date", "time") if name not in payload), None)
    if missing:
        raise RuleBroken(N_("This field is required."), missing)
    return Shift(payload["date"], payload["time"], payload.get("doctor") or doctor_id)


def _step_json(step: Step) -> dict[str, Any]:
    target = step.target
    return {
        "appointment": step.booking.id,
        "date": step.booking.date.isoformat(),
        "time": step.booking.time.isoformat("seconds"),
        "to_date": target.day.isoformat() if target else None,
        "to_time": target.time.isoformat("seconds") if target else None,
        "clash": step.clash,
    }


def _plan_response(plan: FollowingPlan) -> Response:
    return jsonify({"seen": plan.key, "appointments": [_step_json(step) for step in plan.by_time]})


@api.post("/appointments/<int:appointment_id>/following/preview/")
@requires(Permission.EDIT_APPOINTMENT)
@api.arguments(FollowingIn)
@api.response(200, FollowingOut)
def preview_following(payload: dict[str, Any], appointment_id: int) -> Response:
    """What would become of an appointment of a series and all that follow; nothing is changed."""
    row = _read_own_booking(appointment_id)
    actions.check_in_series(row)
    return _plan_response(queries.plan_following(row, _shift(payload, row.doctor_id), current_person()))


@api.post("/appointments/<int:appointment_id>/following/")
@requires(Permission.EDIT_APPOINTMENT)
@api.arguments(FollowingIn)
@api.response(200, FollowingOut)
def change_following(payload: dict[str, Any], appointment_id: int) -> Response:
    """Move an appointment of a series and all that follow by as many days, or cancel them. What does not fit stays, with its
    `clash`. 409 `changed` when the plan is not that of the preview `seen`."""
    seen, who = payload.get("seen") or None, current_person()
    shift = _shift(payload, 0)
    if shift is None:
        reason = payload.get("reason", "")
        return _plan_response(actions.cancel_following(appointment_id, reason=reason, seen=seen, by=who))
    return _plan_response(
        actions.move_following(
            appointment_id, date=shift.day, time=shift.time, doctor_id=shift.doctor_id or None, seen=seen, by=who
        )
    )
