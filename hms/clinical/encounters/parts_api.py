"""JSON: vital signs, diagnoses and addenda of an encounter."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flask import Response

from hms.clinical.blueprints import api
from hms.clinical.diagnoses import actions as diagnosis_actions
from hms.clinical.diagnoses import queries as diagnosis_queries
from hms.clinical.models import Encounter, VitalsReading
from hms.clinical.schemas import (
    AddendumIn,
    AddendumOut,
    ConditionIn,
    ConditionOut,
    VitalsIn,
    VitalsOut,
    addendum_json,
    condition_json,
    vitals_json,
)
from hms.clinical.vitals import actions as vitals_actions
from hms.clinical.vitals import queries as vitals_queries
from hms.core.api.pagination import paginated_response
from hms.core.api.small_lists import filter_rows, order_rows
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Id, Ordering, parameters
from hms.patients import lookup as patients

from . import actions, queries, read_audit

VITALS = parameters(**PAGING, **DAYS, ordering=Ordering(("id", "recorded_at")))
DIAGNOSES = parameters(**PAGING, ordering=Ordering(("id", "code")))
ADDENDA = parameters(**PAGING, **DAYS, author=Id(), ordering=Ordering(("id", "created_at")))
ID, WRITTEN_AT = attrgetter("id"), attrgetter("created_at")


def _get_readable_encounter(encounter_id: int) -> Encounter:
    """The encounter, when the person may read it; records the reading in the audit trail."""
    encounter = queries.get_encounter(encounter_id, current_person())
    read_audit.record_read("encounter", encounter)
    return encounter


@api.get("/encounters/<int:encounter_id>/vitals/")
@requires(Permission.OPEN_CHART)
@api.arguments(VITALS, location="query")
@api.response(200, VitalsOut(many=True))
def vitals(arguments: dict[str, Any], encounter_id: int) -> Response:
    """Vital signs of an encounter, newest first."""
    birth_date = patients.patient(_get_readable_encounter(encounter_id).patient_id).birth_date
    taken_at = attrgetter("taken_at")
    rows = filter_rows(vitals_queries.vitals_of(encounter_id), arguments, on=taken_at)
    rows = order_rows(rows, arguments, _newest_first, id=ID, recorded_at=taken_at)
    return paginated_response(rows, lambda row: vitals_json(row, birth_date))


def _newest_first(reading: VitalsReading) -> tuple[float, int]:
    return -reading.taken_at.timestamp(), -reading.id


def _record_vitals(encounter_id: int, payload: dict[str, Any]) -> tuple[dict[str, Any], int]:
    patient = patients.patient(_get_readable_encounter(encounter_id).patient_id)
    reading = vitals_actions.record_vitals(
        patient.id, encounter_id=encounter_id, is_confirmed=True, by=current_person(), **payload
    )
    return vitals_json(reading, patient.birth_date), 201


@api.post("/encounters/<int:encounter_id>/vitals/")
@requires(Permission.RECORD_VITALS)
@api.arguments(VitalsIn)
@api.response(201, VitalsOut)
def measure(payload: dict[str, Any], encounter_id: int) -> tuple[dict[str, Any], int]:
    """Record vital signs. Impossible values are refused; alarming values are saved without confirmation."""
    return _record_vitals(encounter_id, payload)


@api.post("/encounters/<int:encounter_id>/add_vitals/")
@requires(Permission.RECORD_VITALS)
@api.arguments(VitalsIn)
@api.response(201, VitalsOut)
def add_vitals(payload: dict[str, Any], encounter_id: int) -> tuple[dict[str, Any], int]:
    """Record vital signs; the same as `POST /api/encounters/{id}/vitals/`."""
    return _record_vitals(encounter_id, payload)


@api.get("/encounters/<int:encounter_id>/conditions/")
@requires(Permission.OPEN_CHART)
@api.arguments(DIAGNOSES, location="query")
@api.response(200, ConditionOut(many=True))
def conditions(arguments: dict[str, Any], encounter_id: int) -> Response:
    """Diagnoses of an encounter, the primary one first."""
    rows = diagnosis_queries.conditions_of(_get_readable_encounter(encounter_id).id)
    return paginated_response(
        order_rows(rows, arguments, attrgetter("rank", "id"), id=ID, code=attrgetter("code")), condition_json
    )


@api.post("/encounters/<int:encounter_id>/conditions/")
@requires(Permission.WRITE_ENCOUNTER)
@api.arguments(ConditionIn)
@api.response(201, ConditionOut)
def diagnose(payload: dict[str, Any], encounter_id: int) -> tuple[dict[str, Any], int]:
    """Add a diagnosis, by its ICD-10 `code` or as `text`."""
    return condition_json(
        diagnosis_actions.add_condition(_get_readable_encounter(encounter_id).id, **payload, by=current_person())
    ), 201


@api.delete("/encounters/<int:encounter_id>/conditions/<int:condition_id>/")
@requires(Permission.WRITE_ENCOUNTER)
@api.response(204)
def remove_diagnosis(encounter_id: int, condition_id: int) -> None:
    """Remove a diagnosis from an encounter that is not signed."""
    diagnosis_actions.remove_condition(condition_id, encounter_id=encounter_id, by=current_person())


@api.get("/encounters/<int:encounter_id>/addenda/")
@requires(Permission.OPEN_CHART)
@api.arguments(ADDENDA, location="query")
@api.response(200, AddendumOut(many=True))
def addenda(arguments: dict[str, Any], encounter_id: int) -> Response:
    """Addenda of an encounter, oldest first."""
    rows = queries.addenda_of(_get_readable_encounter(encounter_id).id)
    rows = filter_rows(rows, arguments, on=WRITTEN_AT, author=attrgetter("author_id"))
    return paginated_response(
        order_rows(rows, arguments, lambda row: (row.id,), id=ID, created_at=WRITTEN_AT), addendum_json
    )


@api.post("/encounters/<int:encounter_id>/addenda/")
@requires(Permission.ADD_ADDENDUM)
@api.arguments(AddendumIn)
@api.response(201, AddendumOut)
def add_to(payload: dict[str, Any], encounter_id: int) -> tuple[dict[str, Any], int]:
    """Add an addendum to a signed encounter."""
    row = actions.add_addendum(_get_readable_encounter(encounter_id).id, text=payload["text"], by=current_person())
    return addendum_json(row), 201
