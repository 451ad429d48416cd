"""JSON: the worklist of suspected duplicates."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields
from sqlalchemy import or_

from hms.core.api import read_log
from hms.core.api.blueprint import ApiSchema
from hms.core.api.preconditions import resource_response
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.fields import Text
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Id, Ordering, filter_by_columns, ordered, parameters
from hms.patients import exports
from hms.patients.blueprints import api
from hms.patients.enums import PairStatus
from hms.patients.merging.rules import MAX_REASON_LENGTH
from hms.patients.models import DuplicatePair, Patient
from hms.patients.read_entries import reads_of_both, record_read_of_both

from . import actions, queries


class DecisionIn(ApiSchema):
    reason = Text(MAX_REASON_LENGTH, required=True, blank=False)


class DuplicatePairOut(ApiSchema):
    id = fields.Integer()
    first = fields.Integer()
    first_unique_id = fields.String()
    second = fields.Integer()
    second_unique_id = fields.String()
    percent = fields.Integer()
    reasons = fields.List(fields.String())
    status = fields.String()
    reason = fields.String()
    decided_by = fields.Integer(allow_none=True)
    decided_at = fields.DateTime(allow_none=True)


COLUMNS = {"percent": DuplicatePair.percent, "decided_at": DuplicatePair.decided_at}
PAIRS = parameters(
    **PAGING,
    **DAYS,
    patient=Id(),
    status=Choice(PairStatus),
    decided_by=Id(),
    ordering=Ordering(("id", *COLUMNS)),
)


def _pair_json(pair: DuplicatePair, first: Patient, second: Patient) -> dict[str, Any]:
    return {
        "id": pair.id,
        "first": first.id,
        "first_unique_id": first.hospital_number,
        "second": second.id,
        "second_unique_id": second.hospital_number,
        "percent": pair.percent,
        "reasons": [str(reason) for reason in queries.reasons(first, second)],
        "status": pair.status,
        "reason": pair.reason,
        "decided_by": pair.decided_by_id,
        "decided_at": pair.decided_at,
    }


def _answer(pair_id: int) -> Response:
    row = queries.get_pair(pair_id)
    record_read_of_both(row.first.id, row.second.id)
    return resource_response(_pair_json(row.pair, row.first, row.second), 1)


@api.get("/patient-duplicates/")
@requires(Permission.PROPOSE_MERGE)
@api.arguments(PAIRS, location="query")
@api.response(200, DuplicatePairOut(many=True))
def duplicate_pairs(arguments: dict[str, Any]) -> Response:
    """Pairs of records that may be one patient, the newest first. Filters: patient (either of the two), status, decided_by,
    and date, date_from, date_to (days of the decision)."""
    query = filter_by_columns(
        queries.select_pairs().add_columns(DuplicatePair.id),
        arguments,
        on=DuplicatePair.decided_at,
        status=DuplicatePair.status,
        decided_by=DuplicatePair.decided_by_id,
    )
    patient_id = arguments.get("patient")
    if patient_id is not None:
        query = query.where(or_(DuplicatePair.first_id == patient_id, DuplicatePair.second_id == patient_id))
    return read_log.list_response(
        ordered(query, arguments, DuplicatePair.id, **COLUMNS),
        lambda row: _pair_json(*row[:3]),
        lambda row: reads_of_both(row.DuplicatePair.first_id, row.DuplicatePair.second_id),
        entity="duplicate_pair",
    )


offer_export(api, duplicate_pairs, exports.DUPLICATES, at="/patient-duplicates/export/")


@api.get("/patient-duplicates/<int:pair_id>/")
@requires(Permission.PROPOSE_MERGE)
@api.response(200, DuplicatePairOut)
def duplicate_pair(pair_id: int) -> Response:
    """One pair."""
    return _answer(pair_id)


@api.post("/patient-duplicates/<int:pair_id>/dismiss/")
@requires(Permission.PROPOSE_MERGE)
@api.arguments(DecisionIn)
@api.response(200, DuplicatePairOut)
def dismiss(payload: dict[str, Any], pair_id: int) -> Response:
    """Say that the two records are not the same person, with the reason. The pair is not offered again."""
    actions.dismiss(queries.get_pair(pair_id).pair.id, reason=payload["reason"], by=current_person())
    return _answer(pair_id)


@api.post("/patient-duplicates/<int:pair_id>/reopen/")
@requires(Permission.PROPOSE_MERGE)
@api.arguments(DecisionIn)
@api.response(200, DuplicatePairOut)
def reopen(payload: dict[str, Any], pair_id: int) -> Response:
    """Offer a dismissed pair again, with the reason."""
    actions.reopen(queries.get_pair(pair_id).pair.id, reason=payload["reason"], by=current_person())
    return _answer(pair_id)
