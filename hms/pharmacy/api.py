"""JSON: dispensing, batches, adjustments, and what to order or use first. Names follow the original's collections."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from hms.clinical import trail
from hms.core import clock
from hms.core.api import DeskApi, listed
from hms.core.db import db
from hms.core.errors import NotFound, RuleBroken
from hms.core.parameters import PAGING, Number, narrowed, ordered, parameters
from hms.core.permissions import Action
from hms.core.web import needs, person
from hms.core.words import _
from hms.formulary.api import MedicationOut, medication_json
from hms.formulary.models import Medication
from hms.patients import access

from . import actions, shapes, shelves
from .models import Batch, Dispense, StockMovement
from .recording import Given
from .shapes import ADJUSTMENTS, AdjustmentIn, AdjustmentOut, BatchIn, BatchOut, DispenseIn, DispenseOut
from .stock import Kind

api = DeskApi("pharmacy_api", __name__, description="Pharmacy")


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


def given_json(one: Given) -> dict[str, Any]:
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
        .where(access.open_to(person(), Dispense.patient_id))
        .options(joinedload(Dispense.prescription), selectinload(Dispense.movements).joinedload(StockMovement.batch))
    )


@api.post("/prescriptions/<int:prescription_id>/dispense/")
@needs(Action.DISPENSE)
@api.arguments(DispenseIn)
@api.response(201, DispenseOut)
def dispense(given: dict[str, Any], prescription_id: int) -> dict[str, Any]:
    """Give a medicine out: soonest expiry first, charged, and off the stock in one step. 409 when stock is short."""
    wanted = given.get("quantity", given.get("quantity_dispensed"))
    collected_by = given.get("collected_by", "")
    return given_json(actions.dispense(prescription_id, wanted, collected_by=collected_by, by=person()))


@api.get("/dispensing-logs/")
@needs(Action.READ_PRESCRIPTION)
@api.arguments(shapes.DISPENSES, location="query")
@api.response(200, DispenseOut(many=True))
def dispensing_logs(arguments: dict[str, Any]) -> Response:
    """What was given, newest first; by `prescription`, `patient`, `medication`, `dispensed_by`, and day."""
    columns = {
        "prescription": Dispense.prescription_id,
        "medication": Dispense.medication_id,
        "patient": Dispense.patient_id,
        "dispensed_by": Dispense.dispensed_by_id,
    }
    query = narrowed(_dispenses(), arguments, on=Dispense.dispensed_at, **columns)
    query = ordered(query, arguments, Dispense.id, dispense_date=Dispense.dispensed_at)
    return trail.listed("dispense", query, dispense_json)


def _batches() -> Select:
    received = (
        select(func.coalesce(func.sum(StockMovement.quantity), 0))
        .where(StockMovement.batch_id == Batch.id, StockMovement.kind == "receipt")
        .scalar_subquery()
    )
    loaded = joinedload(Batch.medication).joinedload(Medication.price_item)
    return select(Batch, received.label("received")).options(loaded)


def batch_json(row: Any) -> dict[str, Any]:
    batch, price = row.Batch, row.Batch.medication.price_item
    return {
        "id": batch.id,
        "medication_item": batch.medication_id,
        "batch_number": batch.lot_number,
        "expiry_date": batch.expires_on,
        "quantity_received": int(row.received),
        "current_quantity": batch.quantity,
        "received_date": clock.local(batch.created_at).date(),
        "cost_price_per_unit": str(batch.unit_cost),
        "selling_price_per_unit": str(price.unit_price) if price else None,
    }


@api.get("/stock-batches/")
@needs(Action.READ_STOCK)
@api.arguments(shapes.BATCHES, location="query")
@api.response(200, BatchOut(many=True))
def stock_batches(arguments: dict[str, Any]) -> Response:
    """Batches, the soonest expiry first; by `medication_item`, and the day on which they were received."""
    query = narrowed(_batches(), arguments, on=Batch.created_at, medication_item=Batch.medication_id)
    query = ordered(query, {"ordering": "expiry_date"} | arguments, Batch.id, expiry_date=Batch.expires_on)
    return listed(query, batch_json)


@api.post("/stock-batches/")
@needs(Action.RECEIVE_STOCK)
@api.arguments(BatchIn)
@api.response(201, BatchOut)
def add_batch(given: dict[str, Any]) -> dict[str, Any]:
    """Enter a batch; it comes into the stock through the ledger. The selling price is the price list's."""
    made = actions.enter_batch(
        given["medication_item"],
        lot_number=given["batch_number"],
        expires_on=given["expiry_date"],
        received=given["quantity_received"],
        left=given.get("current_quantity"),
        unit_cost=given.get("cost_price_per_unit"),
        by=person(),
    )
    return batch_json(db.session.execute(_batches().where(Batch.id == made.id)).one())


@api.get("/medications/<int:medication_id>/batches/")
@needs(Action.READ_STOCK)
@api.arguments(parameters(**PAGING), location="query")
@api.response(200, BatchOut(many=True))
def batches_of(_arguments: dict[str, Any], medication_id: int) -> Response:
    """The batches of one medicine."""
    if shelves.place_of(medication_id) is None:
        raise NotFound(_("There is no such medicine."))
    query = _batches().where(Batch.medication_id == medication_id)
    return listed(query.order_by(Batch.expires_on, Batch.id), batch_json)


@api.get("/medications/below_reorder_level/")
@needs(Action.READ_STOCK_LEVEL)
@api.arguments(parameters(**PAGING), location="query")
@api.response(200, MedicationOut(many=True))
def below_reorder_level(_arguments: dict[str, Any]) -> Response:
    """Medicines at or below their reorder level; expired stock does not count."""
    who = person()
    return listed(shelves.low(), lambda row: medication_json(row, who))


@api.get("/medications/near_expiry/")
@needs(Action.READ_STOCK)
@api.arguments(parameters(**PAGING, days=Number(0, 3650)), location="query")
@api.response(200, BatchOut(many=True))
def near_expiry(arguments: dict[str, Any]) -> Response:
    """Batches in stock that expire within `days` (the hospital's setting when left out), the soonest first."""
    days = arguments.get("days")
    last = clock.today() + timedelta(days=shelves.near_days() if days is None else days)
    query = _batches().where(Batch.quantity > 0, Batch.expires_on.between(clock.today(), last))
    return listed(query.order_by(Batch.expires_on, Batch.id), batch_json)


def adjustment_json(row: StockMovement) -> dict[str, Any]:
    kind, _dash, words = row.reason.partition(" – ")
    is_named = kind in ADJUSTMENTS
    return {
        "id": row.id,
        "medication_item": row.medication_id,
        "stock_batch": row.batch_id,
        "adjustment_type": kind if is_named else "Stock-Take Variance",
        "quantity": row.quantity,
        "reason": words if is_named else row.reason,
        "adjustment_date": row.moved_at,
        "adjusted_by": row.moved_by_id,
    }


@api.get("/stock-adjustments/")
@needs(Action.READ_STOCK)
@api.arguments(shapes.MOVEMENTS, location="query")
@api.response(200, AdjustmentOut(many=True))
def stock_adjustments(arguments: dict[str, Any]) -> Response:
    """Adjustments and write-offs, newest first; `quantity` is the change of the stock."""
    query = select(StockMovement).where(StockMovement.kind.in_(("adjustment", "write_off", "count")))
    columns = {
        "medication_item": StockMovement.medication_id,
        "stock_batch": StockMovement.batch_id,
        "adjusted_by": StockMovement.moved_by_id,
    }
    query = narrowed(query, arguments, on=StockMovement.moved_at, **columns)
    return listed(ordered(query, arguments, StockMovement.id, adjustment_date=StockMovement.moved_at), adjustment_json)


@api.post("/stock-adjustments/")
@needs(Action.ADJUST_STOCK)
@api.arguments(AdjustmentIn)
@api.response(201, AdjustmentOut)
def add_adjustment(given: dict[str, Any]) -> dict[str, Any]:
    """Adjust a batch with a reason: what is damaged, expired or given to a ward leaves; a count may also add."""
    batch = shelves.batch(given["stock_batch"])
    if given.get("medication_item", batch.medication_id) != batch.medication_id:
        raise RuleBroken(_("This batch is of another medicine."), "stock_batch")
    kind, quantity = given["adjustment_type"], given["quantity"]
    reason = " – ".join(part for part in (kind, given.get("reason", "")) if part)
    if kind != "Stock-Take Variance":
        return adjustment_json(actions.write_off(batch.id, abs(quantity), reason=reason, by=person()))
    return adjustment_json(actions.change(batch.id, quantity, reason, kind=Kind.COUNT, by=person()))
