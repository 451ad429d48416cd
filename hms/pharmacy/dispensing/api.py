"""Endpoints of dispensing."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from hms.clinical.encounters import read_audit
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import filter_by_columns, ordered
from hms.patients.access import policy
from hms.pharmacy import exports, schemas
from hms.pharmacy.blueprints import api
from hms.pharmacy.models import Dispense, StockMovement
from hms.pharmacy.schemas import DispenseIn, DispenseOut

from . import actions as dispensing_actions
from .recording import DispenseResult


def dispense_json(row: Dispense) -> dict[str, Any]:
    """One stored dispense as JSON."""
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


def result_json(result: DispenseResult) -> dict[str, Any]:
    """The dispense that was just recorded, in the form of `dispense_json`."""
    return {
        "id": result.id,
        "prescription": result.line.id,
        "patient": result.line.patient_id,
        "medication": result.line.medication_id,
        "medication_name": result.line.medication_name,
        "quantity_dispensed": result.quantity,
        "quantity_remaining": result.remaining,
        "prescription_status": result.status,
        "stock_batch": result.batches[0][0].batch_id,
        "batches": [
            {
                "stock_batch": batch.batch_id,
                "batch_number": batch.lot,
                "expiry_date": batch.expires,
                "quantity": count,
            }
            for batch, count in result.batches
        ],
        "dispense_date": result.at,
        "dispensed_by": result.by_id,
    }


def _dispenses() -> Select:
    """The dispenses to patients whose records the signed-in person may read."""
    return (
        select(Dispense)
        .where(policy.readable_by(current_person(), Dispense.patient_id))
        .options(joinedload(Dispense.prescription), selectinload(Dispense.movements).joinedload(StockMovement.batch))
    )


@api.post("/prescriptions/<int:prescription_id>/dispense/")
@requires(Permission.DISPENSE)
@api.arguments(DispenseIn)
@api.response(201, DispenseOut)
def dispense(payload: dict[str, Any], prescription_id: int) -> dict[str, Any]:
    """Dispense a medicine, earliest expiry first; stock and bill change in the same step. 409 when stock is short."""
    quantity = payload.get("quantity", payload.get("quantity_dispensed"))
    collected_by = payload.get("collected_by", "")
    return result_json(
        dispensing_actions.dispense(prescription_id, quantity, collected_by=collected_by, by=current_person())
    )


@api.get("/dispensing-logs/")
@requires(Permission.READ_PRESCRIPTION)
@api.arguments(schemas.DISPENSES, location="query")
@api.response(200, DispenseOut(many=True))
def dispensing_logs(arguments: dict[str, Any]) -> Response:
    """Dispensed medicines, newest first; filters: `prescription`, `patient`, `medication`, `stock_batch`, `dispensed_by`,
    and days."""
    columns = {
        "prescription": Dispense.prescription_id,
        "medication": Dispense.medication_id,
        "patient": Dispense.patient_id,
        "dispensed_by": Dispense.dispensed_by_id,
    }
    query = _dispenses()
    if "stock_batch" in arguments:
        of_batch = select(StockMovement.dispense_id).where(StockMovement.batch_id == arguments["stock_batch"])
        query = query.where(Dispense.id.in_(of_batch))
    query = filter_by_columns(query, arguments, on=Dispense.dispensed_at, **columns)
    query = ordered(query, arguments, Dispense.id, dispense_date=Dispense.dispensed_at)
    return read_audit.list_response("dispense", query, dispense_json)


offer_export(api, dispensing_logs, exports.DISPENSES, at="/dispensing-logs/export/")
