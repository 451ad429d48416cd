"""JSON: the death of a patient."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import Response

from hms.core.api import read_log
from hms.core.api.preconditions import if_match, resource_response
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.blueprints import api

from . import actions, queries
from .schemas import DeathChange, DeathIn, DeathOut, TakeBackIn, death_json


def _read(patient_id: int) -> SimpleNamespace:
    """The body, and its version: 0 while only the day is known."""
    patient = lookup.readable_patient(patient_id, current_person())
    policy.check(patient, current_person())
    queries.check_has_died(patient)
    death = queries.get_details(patient)
    return SimpleNamespace(body=death_json(patient, death), version=death.version if death else 0)


def _answer(patient_id: int, status: int = 200) -> Response:
    row = _read(patient_id)
    read_log.record_read("patients.read_death", patient_id, entity="death", entity_id=patient_id)
    return resource_response(row.body, row.version, status)


@api.get("/patients/<int:patient_id>/death/")
@requires(Permission.OPEN_CHART)
@api.response(200, DeathOut)
def death(patient_id: int) -> Response:
    """What is recorded of a patient's death; 404 when none is recorded."""
    return _answer(patient_id)


@api.post("/patients/<int:patient_id>/death/")
@requires(Permission.RECORD_DEATH)
@api.arguments(DeathIn)
@api.response(201, DeathOut)
def record_death(payload: dict[str, Any], patient_id: int) -> Response:
    """Record that a patient has died. Open bookings are cancelled without a message, and the patient leaves the queue."""
    actions.record_death(patient_id, **payload, by=current_person())
    return _answer(patient_id, 201)


@api.put("/patients/<int:patient_id>/death/")
@requires(Permission.RECORD_DEATH)
@api.arguments(DeathChange)
@api.response(200, DeathOut)
def correct_death(payload: dict[str, Any], patient_id: int) -> Response:
    """Correct what is recorded of a death, with the reason."""
    with if_match(lambda: _read(patient_id), lambda row: row.body) as version:
        actions.correct_death(patient_id, **payload, version=version, by=current_person())
    return _answer(patient_id)


@api.post("/patients/<int:patient_id>/death/take_back/")
@requires(Permission.RECORD_DEATH)
@api.arguments(TakeBackIn)
@api.response(204)
def take_back_death(payload: dict[str, Any], patient_id: int) -> tuple[str, int]:
    """Take a recorded death back, with the reason: the patient has not died. Cancelled bookings stay cancelled."""
    actions.take_back_death(patient_id, reason=payload["reason"], by=current_person())
    return "", 204
