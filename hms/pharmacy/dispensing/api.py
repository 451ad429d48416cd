"""Endpoints of dispensing."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from hms.clinical.encounters import read_audit
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import filter_by_columns, ordered
from hms.patients.access import policy
from hms.pharmacy import schemas
from hms.pharmacy.blueprints import api
from hms.pharmacy.models import Dispense, StockMovement
from hms.pharmacy.schemas import DispenseIn, DispenseOut

from . import actions as dispensing_actions
from .recording import DispenseResult


def dispense_json(row: Dispense) -> dict[str, Any]:
    line = row.prescription
    picks = [move for move in row.movements if move.kind == "dispense"]
    return {
        "id": row.id,
        "prescription": row.prescription_id,
        "patient": row.patient_id,
        "medication": row.medication_id,
        "medication_name": line.medication_name,
        "quantity_dispensed": row.quantity,
        "quantity_remaining": None if line.quantity is None else line.quantity - line.quantity_dispensed,
        "prescription_status": line.status,
        "stock_batch": picks[0].batch_id,
        "batches": [
            {
                "stock_batch": move.batch_id,
                "batch_number": move.batch.lot_number,
                "expiry_date": move.batch.expires_on,
                "quantity": -move.quantity,
            }
            for move in picks
        ],
        "dispense_date": row.dispensed_at,
        "dispensed_by": row.dispensed_by_id,
    }


def given_json(one: DispenseResult) -> dict[str, Any]:
    """The same of what was handed out this moment."""
    return {
        "id": one.id,
        "prescription": one.line.id,
        "patient": one.line.patient_id,
        "medication": one.line.medication_id,
        "medication_name": one.line.medication_name,
        "quantity_dispensed": one.quantity,
        "quantity_remaining": one.remaining,
        "prescription_status": one.status,
        "stock_batch": one.batches[0][0].batch_id,
        "batches": [
            {
                "stock_batch": batch.batch_id,
                "batch_number": batch.lot,
                "expiry_date": batch.expires,
                "quantity": count,
            }
            for batch, count in one.batches
        ],
        "dispense_date": one.at,
        "dispensed_by": one.by_id,
    }


def _dispenses() -> Select:
    """What was given, to patients whose records are open to the person."""
    return (
        select(Dispense)
        .where(policy.readable_by(current_person(), Dispense.patient_id))
        .options(joinedload(Dispense.prescription), selectinload(Dispense.movements).joinedload(StockMovement.batch))
    )


@api.post("/prescriptions/<int:prescription_id>/dispense/")
@requires(Permission.DISPENSE)
@api.arguments(DispenseIn)
@api.response(201, DispenseOut)
def dispense(given: dict[str, Any], prescription_id: int) -> dict[str, Any]:
    """Give a medicine out: soonest expiry first, charged, and off the stock in one step. 409 when stock is short."""
    wanted = given.get("quantity", given.get("quantity_dispensed"))
    collected_by = given.get("collected_by", "")
    return given_json(
        dispensing_actions.dispense(prescription_id, wanted, collected_by=collected_by, by=current_person())
    )


@api.get("/dispensing-logs/")
@requires(Permission.READ_PRESCRIPTION)
@api.arguments(schemas.DISPENSES, location="query")
@api.response(200, DispenseOut(many=True))
def dispensing_logs(arguments: dict[str, Any]) -> Response:
    """What was given, newest first; by `prescription`, `patient`, `medication`, `dispensed_by`, and day."""
    columns = {
        "prescription": Dispense.prescription_id,
        "medication": Dispense.medication_id,
        "patient": Dispense.patient_id,
        "dispensed_by": Dispense.dispensed_by_id,
    }
    query = filter_by_columns(_dispenses(), arguments, on=Dispense.dispensed_at, **columns)
    query = ordered(query, arguments, Dispense.id, dispense_date=Dispense.dispensed_at)
    return read_audit.list_response("dispense", query, dispense_json)
