"""Endpoints of stock: batches and adjustments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from hms.core import clock
from hms.core.api.pagination import paginated_response
from hms.core.db.session import db
from hms.core.db.word_search import contains_all_words
from hms.core.errors import NotFound, RuleBroken
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import filter_by_columns, ordered, parameters
from hms.formulary.exports import BELOW_REORDER_LEVEL
from hms.formulary.medicines.api import MEDICATIONS, MedicationOut, in_order, medication_json
from hms.formulary.models import Medication
from hms.pharmacy import exports, schemas
from hms.pharmacy.blueprints import api
from hms.pharmacy.models import Batch, StockMovement
from hms.pharmacy.receiving import actions as receiving_actions
from hms.pharmacy.schemas import ADJUSTMENTS, AdjustmentIn, AdjustmentOut, BatchIn, BatchOut

from . import actions as stock_actions
from . import queries
from .rules import MovementKind


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
        "cost_price_per_unit": None if batch.unit_cost is None else str(batch.unit_cost),
        "selling_price_per_unit": str(price.unit_price) if price else None,
    }


@api.get("/stock-batches/")
@requires(Permission.READ_STOCK)
@api.arguments(schemas.BATCHES, location="query")
@api.response(200, BatchOut(many=True))
def stock_batches(arguments: dict[str, Any]) -> Response:
    """Batches, earliest expiry first; filters: `medication_item`, and the days on which they were received."""
    return _batch_list(_batches(), arguments)


offer_export(api, stock_batches, exports.BATCHES, at="/stock-batches/export/")


def _batch_list(query: Select, arguments: dict[str, Any]) -> Response:
    columns = {"expiry_date": Batch.expires_on, "received_date": Batch.created_at, "current_quantity": Batch.quantity}
    query = filter_by_columns(query, arguments, on=Batch.created_at, medication_item=Batch.medication_id)
    return paginated_response(ordered(query, {"ordering": "expiry_date"} | arguments, Batch.id, **columns), batch_json)


@api.post("/stock-batches/")
@requires(Permission.RECEIVE_STOCK)
@api.arguments(BatchIn)
@api.response(201, BatchOut)
def add_batch(payload: dict[str, Any]) -> dict[str, Any]:
    """Enter a batch; a stock movement adds it to the stock. The selling price is that of the price list."""
    batch = receiving_actions.enter_batch(
        payload["medication_item"],
        lot_number=payload["batch_number"],
        expires_on=payload["expiry_date"],
        received=payload["quantity_received"],
        left=payload.get("current_quantity"),
        unit_cost=payload.get("cost_price_per_unit"),
        by=current_person(),
    )
    return batch_json(db.session.execute(_batches().where(Batch.id == batch.id)).one())


@api.get("/medications/<int:medication_id>/batches/")
@requires(Permission.READ_STOCK)
@api.arguments(parameters(**schemas.OF_MEDICINE), location="query")
@api.response(200, BatchOut(many=True))
def batches_of(arguments: dict[str, Any], medication_id: int) -> Response:
    """The batches of one medicine, earliest expiry first; filters: the days on which they were received."""
    if queries.sort_key_of(medication_id) is None:
        raise NotFound(N_("This medicine does not exist."))
    return _batch_list(_batches().where(Batch.medication_id == medication_id), arguments)


@api.get("/medications/below_reorder_level/")
@requires(Permission.READ_STOCK_LEVEL)
@api.arguments(MEDICATIONS, location="query")
@api.response(200, MedicationOut(many=True))
def below_reorder_level(arguments: dict[str, Any]) -> Response:
    """Medicines at or below their reorder level, by name; expired stock does not count. `search` as in the list of all."""
    who = current_person()
    rows = queries.low().where(*contains_all_words(Medication.search_text, arguments.get("search", "")))
    return paginated_response(in_order(rows, arguments), lambda row: medication_json(row, who))


offer_export(api, below_reorder_level, BELOW_REORDER_LEVEL, at="/medications/below_reorder_level/export/")


@api.get("/medications/near_expiry/")
@requires(Permission.READ_STOCK)
@api.arguments(schemas.NEAR_EXPIRY, location="query")
@api.response(200, BatchOut(many=True))
def near_expiry(arguments: dict[str, Any]) -> Response:
    """Batches in stock that expire within `days` (default: the hospital's setting), the earliest first."""
    days = arguments.get("days")
    last = clock.today() + timedelta(days=queries.near_days() if days is None else days)
    query = _batches().where(Batch.quantity > 0, Batch.expires_on.between(clock.today(), last))
    return _batch_list(query, arguments)


offer_export(api, near_expiry, exports.NEAR_EXPIRY, at="/medications/near_expiry/export/")


def adjustment_json(row: StockMovement) -> dict[str, Any]:
    kind, _dash, note = row.reason.partition(" – ")
    has_kind = kind in ADJUSTMENTS
    return {
        "id": row.id,
        "medication_item": row.medication_id,
        "stock_batch": row.batch_id,
        "adjustment_type": kind if has_kind else "Stock-Take Variance",
        "quantity": row.quantity,
        "reason": note if has_kind else row.reason,
        "adjustment_date": row.moved_at,
        "adjusted_by": row.moved_by_id,
    }


@api.get("/stock-adjustments/")
@requires(Permission.READ_STOCK)
@api.arguments(schemas.MOVEMENTS, location="query")
@api.response(200, AdjustmentOut(many=True))
def stock_adjustments(arguments: dict[str, Any]) -> Response:
    """Adjustments and write-offs, newest first; `quantity` is the change of the stock."""
    query = select(StockMovement).where(StockMovement.kind.in_(("adjustment", "write_off", "count")))
    columns = {
        "medication_item": StockMovement.medication_id,
        "stock_batch": StockMovement.batch_id,
        "adjusted_by": StockMovement.moved_by_id,
    }
    query = filter_by_columns(query, arguments, on=StockMovement.moved_at, **columns)
    return paginated_response(
        ordered(query, arguments, StockMovement.id, adjustment_date=StockMovement.moved_at), adjustment_json
    )


offer_export(api, stock_adjustments, exports.ADJUSTMENTS, at="/stock-adjustments/export/")


@api.post("/stock-adjustments/")
@requires(Permission.ADJUST_STOCK)
@api.arguments(AdjustmentIn)
@api.response(201, AdjustmentOut)
def add_adjustment(payload: dict[str, Any]) -> dict[str, Any]:
    """Adjust a batch with a reason. Only a "Stock-Take Variance" may increase the stock; all other types reduce it."""
    batch = queries.batch(payload["stock_batch"])
    if payload.get("medication_item", batch.medication_id) != batch.medication_id:
        raise RuleBroken(N_("This batch belongs to another medicine."), "stock_batch")
    kind, quantity = payload["adjustment_type"], payload["quantity"]
    reason = " – ".join(part for part in (kind, payload.get("reason", "")) if part)
    if kind != "Stock-Take Variance":
        return adjustment_json(stock_actions.write_off(batch.id, abs(quantity), reason=reason, by=current_person()))
    return adjustment_json(
        stock_actions.change(batch.id, quantity, reason, kind=MovementKind.COUNT, by=current_person())
    )
