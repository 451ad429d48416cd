"""The JSON objects of the pharmacy, and the parameters of its lists: types and lengths; the rules are in the actions."""

from __future__ import annotations

from marshmallow import fields, validate

from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import Amount, Day, Pk, Text, WholeNumber
from hms.core.web.parameters import DAYS, PAGING, Id, Number, Ordering, parameters

ADJUSTMENTS = ("Damaged", "Expired-Discarded", "Stock-Take Variance", "Internal Transfer")
MAX_COUNT = 100_000
DISPENSES = parameters(
    **PAGING,
    **DAYS,
    prescription=Id(),
    patient=Id(),
    medication=Id(),
    dispensed_by=Id(),
    stock_batch=Id(),
    ordering=Ordering(("id", "dispense_date")),
)
OF_MEDICINE: dict[str, fields.Field] = {
    **PAGING,
    **DAYS,
    "ordering": Ordering(("id", "expiry_date", "received_date", "current_quantity")),
}
MEDICINE = Id(also=("medication", "medication_id"))
BATCHES = parameters(**OF_MEDICINE, medication_item=MEDICINE)
NEAR_EXPIRY = parameters(**OF_MEDICINE, medication_item=MEDICINE, days=Number(0, 3650))
MOVEMENTS = parameters(
    **PAGING,
    **DAYS,
    medication_item=Id(),
    stock_batch=Id(),
    adjusted_by=Id(),
    ordering=Ordering(("id", "adjustment_date")),
)


class DispenseIn(ApiSchema):
    """Without `quantity` all that is owed is given."""

    quantity = WholeNumber(1, MAX_COUNT)
    quantity_dispensed = WholeNumber(1, MAX_COUNT)
    collected_by = Text(100)


class PickOut(ApiSchema):
    stock_batch = fields.Integer()
    batch_number = fields.String()
    expiry_date = fields.Date(allow_none=True)
    quantity = fields.Integer()


class DispenseOut(ApiSchema):
    id = fields.Integer()
    prescription = fields.Integer()
    patient = fields.Integer()
    medication = fields.Integer()
    medication_name = fields.String()
    quantity_dispensed = fields.Integer()
    quantity_remaining = fields.Integer(allow_none=True)
    prescription_status = fields.String()
    stock_batch = fields.Integer()
    batches = fields.List(fields.Nested(PickOut))
    dispense_date = fields.DateTime()
    dispensed_by = fields.Integer(allow_none=True)


class BatchIn(ApiSchema):
    """`current_quantity` is what is left of `quantity_received` when the batch is entered; all of it when left out."""

    medication_item = Pk(required=True)
    batch_number = Text(60, blank=False, required=True)
    expiry_date = Day(required=True)
    quantity_received = WholeNumber(1, MAX_COUNT, required=True)
    current_quantity = WholeNumber(0, MAX_COUNT)
    cost_price_per_unit = Amount()
    selling_price_per_unit = Amount()


class BatchOut(ApiSchema):
    id = fields.Integer()
    medication_item = fields.Integer()
    batch_number = fields.String()
    expiry_date = fields.Date(allow_none=True)
    quantity_received = fields.Integer()
    current_quantity = fields.Integer()
    received_date = fields.Date()
    cost_price_per_unit = fields.String(allow_none=True)
    selling_price_per_unit = fields.String(allow_none=True)


class AdjustmentIn(ApiSchema):
    """`quantity` is how many leave the stock; for a "Stock-Take Variance" how many more (or, below zero, fewer) there are."""

    medication_item = Pk()
    stock_batch = Pk(required=True)
    adjustment_type = fields.String(
        required=True, validate=validate.OneOf(ADJUSTMENTS, error='"{input}" is not a valid choice.')
    )
    quantity = WholeNumber(-MAX_COUNT, MAX_COUNT, required=True)
    reason = Text(200)


class AdjustmentOut(ApiSchema):
    id = fields.Integer()
    medication_item = fields.Integer()
    stock_batch = fields.Integer()
    adjustment_type = fields.String()
    quantity = fields.Integer()
    reason = fields.String()
    adjustment_date = fields.DateTime()
    adjusted_by = fields.Integer(allow_none=True)
