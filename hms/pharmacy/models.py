"""Batches, the stock ledger and what was dispensed. Quantities are in the medicine's own unit (tablets, mL, vials)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hms.clinical.models import Prescription
from hms.core.db.models import ImmutableRecord, Record, UnauditedRecord
from hms.core.db.types import exact_money
from hms.core.money import Money
from hms.core.text.translation import N_
from hms.formulary.models import Medication, RuleChange
from hms.patients.models import Patient
from hms.staff.models import User


class Supplier(Record):
    """A company that delivers medicines."""

    __tablename__ = "supplier"

    name: Mapped[str] = mapped_column(unique=True)
    phone: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    is_active: Mapped[bool] = mapped_column(default=True)


class GoodsReceipt(ImmutableRecord):
    """A goods receipt: one delivery. A supplier's invoice number may be entered only once."""

    __tablename__ = "goods_receipt"
    __table_args__ = (
        Index(
            "uq_goods_receipt_invoice",
            "supplier_id",
            "invoice_number",
            unique=True,
            postgresql_where=text("invoice_number <> ''"),
            info={"message": N_("This supplier invoice was already received."), "field": "invoice_number"},
        ),
    )

    number: Mapped[str] = mapped_column(unique=True)
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id", ondelete="RESTRICT"))
    invoice_number: Mapped[str] = mapped_column(default="")
    received_at: Mapped[dt.datetime]
    received_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))

    supplier: Mapped[Supplier | None] = relationship(lazy="raise")


class Batch(Record):
    """One lot of a medicine. `quantity` is the sum of its stock movements; a trigger updates it.

    `expires_on` is the last day of use; None for opening stock without a recorded expiry. `unit_cost` is None when nobody
    entered it: it is then not known, and not zero.
    """

    __tablename__ = "batch"
    __table_args__ = (
        exact_money("unit_cost"),
        CheckConstraint(
            "quantity >= 0",
            name="not_negative",
            info={
                "message": N_("There is not enough left in this batch. Check the new batches and dispense again."),
                "field": "quantity",
            },
        ),
        CheckConstraint(
            "unit_cost >= 0 AND unit_cost < 100000000",
            name="cost_possible",
            info={"message": N_("Enter a cost of zero or more."), "field": "unit_cost"},
        ),
        Index(
            "uq_batch_lot",
            "medication_id",
            "lot_number",
            unique=True,
            info={"message": N_("This batch of this medicine is already recorded."), "field": "lot_number"},
        ),
        Index("ix_batch_first_expiry", "medication_id", "expires_on", "id", postgresql_where=text("quantity > 0")),
        Index("ix_batch_expiry", "expires_on", postgresql_where=text("quantity > 0")),
    )

    medication_id: Mapped[int] = mapped_column(ForeignKey("medication.id", ondelete="RESTRICT"))
    lot_number: Mapped[str]
    expires_on: Mapped[dt.date | None]
    unit_cost: Mapped[Money | None]
    quantity: Mapped[int] = mapped_column(default=0)
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("goods_receipt.id", ondelete="RESTRICT"))

    medication: Mapped[Medication] = relationship(lazy="raise")


class Dispense(ImmutableRecord):
    """A medicine dispensed for a prescription (FHIR MedicationDispense); `movements` say from which batches."""

    __tablename__ = "dispense"
    __table_args__ = (
        CheckConstraint(
            "quantity > 0",
            name="quantity_possible",
            info={"message": N_("Enter a quantity above zero."), "field": "quantity"},
        ),
        Index("ix_dispense_prescription", "prescription_id"),
        Index("ix_dispense_patient", "patient_id", "dispensed_at"),
        Index("ix_dispense_day", "dispensed_at"),
    )

    prescription_id: Mapped[int] = mapped_column(ForeignKey("prescription.id", ondelete="RESTRICT"))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    medication_id: Mapped[int] = mapped_column(ForeignKey("medication.id", ondelete="RESTRICT"))
    quantity: Mapped[int]
    dispensed_at: Mapped[dt.datetime]
    dispensed_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    collected_by: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")

    prescription: Mapped[Prescription] = relationship(lazy="raise")
    patient: Mapped[Patient] = relationship(lazy="raise")
    medication: Mapped[Medication] = relationship(lazy="raise")
    dispensed_by: Mapped[User | None] = relationship(lazy="raise")
    movements: Mapped[list[StockMovement]] = relationship(lazy="raise")


class StockMovement(ImmutableRecord):
    """A stock movement; `quantity` is positive when stock grows. A trigger adds it to the batch and the medicine."""

    __tablename__ = "stock_movement"
    __table_args__ = (
        CheckConstraint(
            "quantity <> 0 AND abs(quantity) <= 1000000",
            name="quantity_possible",
            info={"message": N_("Enter a quantity."), "field": "quantity"},
        ),
        CheckConstraint(
            "kind IN ('receipt', 'dispense', 'return', 'adjustment', 'write_off', 'count')", name="kind_known"
        ),
        Index("ix_stock_movement_batch", "batch_id", "id"),
        Index("ix_stock_movement_medication", "medication_id", "id"),
        Index("ix_stock_movement_dispense", "dispense_id"),
    )

    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id", ondelete="RESTRICT"))
    medication_id: Mapped[int] = mapped_column(ForeignKey("medication.id", ondelete="RESTRICT"))
    kind: Mapped[str]
    quantity: Mapped[int]
    dispense_id: Mapped[int | None] = mapped_column(ForeignKey("dispense.id", ondelete="RESTRICT"))
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("goods_receipt.id", ondelete="RESTRICT"), index=True)
    reason: Mapped[str] = mapped_column(default="")
    moved_at: Mapped[dt.datetime]
    moved_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))

    batch: Mapped[Batch] = relationship(lazy="raise")
    moved_by: Mapped[User | None] = relationship(lazy="raise")


class RuleTrial(UnauditedRecord):
    """What a proposed change of the safety rules would have done with the prescriptions of the last month. `result` is what
    `safety_rules/trials.py` counted, None until the worker is done."""

    __tablename__ = "rule_trial"

    change_id: Mapped[int] = mapped_column(ForeignKey(RuleChange.id, ondelete="RESTRICT"), unique=True)
    asked_at: Mapped[dt.datetime]
    done_at: Mapped[dt.datetime | None]
    result: Mapped[dict | None] = mapped_column(JSONB(none_as_null=True))
