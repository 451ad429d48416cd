"""Price list, bills with their lines, payments, cash shifts, printed documents. Amounts in the hospital's currency."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, LargeBinary, Numeric, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hms.core.db.models import ImmutableRecord, Record, UnauditedRecord, VersionedRecord
from hms.core.db.types import exact_money
from hms.core.money import ZERO, Money
from hms.core.text.translation import N_

from .enums import BILL_IS_FULL, BILL_TRANSITIONS, CORRECTION_TRANSITIONS

AMOUNT_IN_RANGE = "amount > 0 AND amount < 100000000"


class PriceItem(VersionedRecord):
    """One line of the price list. `billing_label` is what the bill prints: it must not disclose a diagnosis.

    An item of the starter list has `is_priced` false until somebody saves it with its price.
    """

    __tablename__ = "price_item"
    __table_args__ = (
        exact_money("unit_price"),
        UniqueConstraint(
            "code", info={"message": N_("Another item has this code. Enter a different code."), "field": "code"}
        ),
        CheckConstraint(
            "unit_price >= 0 AND unit_price < 100000000",
            name="price_possible",
            info={"message": N_("Enter a price of zero or more."), "field": "unit_price"},
        ),
        Index(
            "ix_price_item_search",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
        ),
    )

    code: Mapped[str]
    name: Mapped[str]
    billing_label: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="service")
    unit_price: Mapped[Money]
    is_active: Mapped[bool] = mapped_column(default=True)
    is_priced: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    search_text: Mapped[str] = mapped_column(Computed("hms_fold(code || ' ' || name)", persisted=True))


class CashShift(Record):
    """One cashier's shift at the till, from the float to the closing count. Amounts in `counted` and `expected` are text."""

    __tablename__ = "cash_shift"
    __table_args__ = (
        exact_money("float_amount"),
        Index(
            "uq_cash_shift_open",
            "cashier_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
            info={"message": N_("Your till is already open."), "field": "float_amount"},
        ),
        CheckConstraint(
            "float_amount >= 0 AND float_amount < 100000000",
            name="float_possible",
            info={"message": N_("Enter an amount of zero or more."), "field": "float_amount"},
        ),
    )

    cashier_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"), index=True)
    number: Mapped[str | None] = mapped_column(unique=True)
    opened_at: Mapped[datetime]
    float_amount: Mapped[Money] = mapped_column(default=ZERO)
    closed_at: Mapped[datetime | None]
    counted: Mapped[dict | None] = mapped_column(JSONB)
    expected: Mapped[dict | None] = mapped_column(JSONB)
    difference_reason: Mapped[str] = mapped_column(default="")


OWING = "status IN ('draft', 'issued', 'part_paid') AND total - payer_share - (paid - payer_paid) - written_off > 0"
"""The patient owes something on the bill. Queries repeat this condition word for word, so that PostgreSQL uses its index."""
PAYER_OWING = "status IN ('issued', 'part_paid') AND payer_share - payer_paid > 0"
"""Another payer owes something on the bill."""


class Bill(VersionedRecord):
    """What a patient has to pay. Only the lines, discount and payer of a draft change. The actions keep `total`, `paid` and
    `written_off` up to date; `prove` adds them up again.

    A bill gets its number when it is issued and keeps it when it is voided. A voided draft has no number.

    `payer` is the other payer ("Insurance"), or "self" when there is none. `payer_share` is the payer's part of the total and
    `payer_paid` what they paid of it. With a `payer_percent` the share follows the total while the bill is a draft. The
    patient pays the rest.

    `collects` marks the one draft of a patient to which the charges of care are added.
    """

    __tablename__ = "bill"
    transitions = BILL_TRANSITIONS
    __table_args__ = (
        exact_money("discount", "paid", "payer_paid", "payer_share", "total", "written_off"),
        CheckConstraint("status IN ('draft', 'issued', 'part_paid', 'paid', 'void')", name="status_known"),
        CheckConstraint(
            "paid >= 0 AND written_off >= 0 AND paid + written_off <= total",
            name="never_overpaid",
            info={"message": N_("This is more than the amount left to pay."), "field": "amount"},
        ),
        CheckConstraint(
            "payer_paid >= 0 AND payer_paid <= payer_share AND payer_share <= total AND (payer <> 'self' OR payer_share = 0)"
            " AND paid >= payer_paid AND paid - payer_paid + written_off <= total - payer_share",
            name="parts_add_up",
            info={"message": N_("This is more than the payer's share."), "field": "amount"},
        ),
        CheckConstraint(
            "discount >= 0 AND total >= 0 AND total < 100000000",
            name="total_possible",
            info={"message": BILL_IS_FULL, "field": "items"},
        ),
        CheckConstraint(
            "(issued_at IS NULL) = (number IS NULL) AND (status IN ('draft', 'void') OR number IS NOT NULL)"
            " AND (status <> 'draft' OR number IS NULL)",
            name="numbered_when_issued",
        ),
        Index("uq_bill_collecting", "patient_id", unique=True, postgresql_where=text("collects AND status = 'draft'")),
        Index("ix_bill_patient", "patient_id", "id"),
        Index("ix_bill_to_pay", "id", postgresql_where=text("status IN ('draft', 'issued', 'part_paid')")),
        Index("ix_bill_owing", "id", postgresql_where=text(OWING)),
        Index("ix_bill_payer_owing", "id", postgresql_where=text(PAYER_OWING)),
        Index("ix_bill_status", "status", "id"),
        Index("ix_bill_issued_at", "issued_at"),
        Index("ix_bill_date", func.coalesce(text("issued_at"), text("created_at")), "id"),
    )

    number: Mapped[str | None] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(default="draft")
    patient_id: Mapped[int] = mapped_column(
        ForeignKey(
            "patient.id", ondelete="RESTRICT", info={"message": N_("This patient does not exist."), "field": "patient"}
        )
    )
    encounter_id: Mapped[int | None] = mapped_column(ForeignKey("encounter.id", ondelete="RESTRICT"), index=True)
    collects: Mapped[bool] = mapped_column(default=False)
    payer: Mapped[str] = mapped_column(default="self")
    payer_percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    payer_share: Mapped[Money] = mapped_column(default=ZERO, server_default="0")
    payer_paid: Mapped[Money] = mapped_column(default=ZERO, server_default="0")
    discount: Mapped[Money] = mapped_column(default=ZERO)
    discount_reason: Mapped[str] = mapped_column(default="")
    total: Mapped[Money] = mapped_column(default=ZERO)
    paid: Mapped[Money] = mapped_column(default=ZERO)
    written_off: Mapped[Money] = mapped_column(default=ZERO, server_default="0")
    notes: Mapped[str] = mapped_column(default="")
    issued_at: Mapped[datetime | None]
    issued_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    frozen: Mapped[dict | None] = mapped_column(JSONB)
    void_reason: Mapped[str] = mapped_column(default="")
    voided_at: Mapped[datetime | None]
    voided_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))

    lines: Mapped[list[BillLine]] = relationship(back_populates="bill", order_by="BillLine.id", lazy="raise")
    payments: Mapped[list[Payment]] = relationship(back_populates="bill", order_by="Payment.id", lazy="raise")


class BillLine(Record):
    """One charge on a bill. `source` and `source_id` name the event of care that was charged ("dispense", 17).

    A withdrawn line stays in the table but does not count. A free follow-up names the paid consultation that makes it free.
    """

    __tablename__ = "bill_line"
    __table_args__ = (
        exact_money("amount", "unit_price"),
        CheckConstraint(
            "quantity BETWEEN 1 AND 100000",
            name="quantity_possible",
            info={"message": N_("Enter a quantity from 1 to 100,000."), "field": "quantity"},
        ),
        CheckConstraint(
            "unit_price >= 0 AND amount = unit_price * quantity AND amount < 100000000",
            name="amount_adds_up",
            info={"message": N_("Enter a price of zero or more."), "field": "unit_price"},
        ),
        Index(
            "uq_bill_line_source",
            "source",
            "source_id",
            unique=True,
            postgresql_where=text("source <> 'manual' AND withdrawn_at IS NULL"),
            info={"message": N_("This is already on a bill."), "field": "source"},
        ),
        CheckConstraint(
            "free_of_line_id IS NULL OR amount = 0",
            name="free_costs_nothing",
            info={
                "message": N_("This visit is a free follow-up. Remove the line to charge it."),
                "field": "unit_price",
            },
        ),
        Index("ix_bill_line_bill", "bill_id", "id"),
        Index("ix_bill_line_free_of", "free_of_line_id", postgresql_where=text("free_of_line_id IS NOT NULL")),
    )

    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id", ondelete="RESTRICT"))
    price_item_id: Mapped[int | None] = mapped_column(ForeignKey("price_item.id", ondelete="RESTRICT"))
    description: Mapped[str]
    quantity: Mapped[int] = mapped_column(default=1)
    unit_price: Mapped[Money]
    amount: Mapped[Money]
    source: Mapped[str] = mapped_column(default="manual")
    source_id: Mapped[int | None]
    free_of_line_id: Mapped[int | None] = mapped_column(ForeignKey("bill_line.id", ondelete="RESTRICT"))
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_reason: Mapped[str] = mapped_column(default="")

    bill: Mapped[Bill] = relationship(back_populates="lines")


class Payment(ImmutableRecord):
    """Money received (`kind` "payment") or paid back ("refund"); `amount` is above zero for both. Never changed: a mistake is
    corrected by a refund."""

    __tablename__ = "payment"
    __table_args__ = (
        exact_money("amount", "tendered"),
        CheckConstraint(
            AMOUNT_IN_RANGE,
            name="amount_possible",
            info={"message": N_("Enter an amount above zero."), "field": "amount"},
        ),
        CheckConstraint(
            "tendered < 100000000",
            name="tendered_possible",
            info={"message": N_("Enter cash received of less than 100,000,000."), "field": "tendered"},
        ),
        CheckConstraint("kind IN ('payment', 'refund')", name="kind_known"),
        CheckConstraint(
            "method IN ('Cash', 'Mobile Money', 'Card', 'Insurance', 'Bank', 'Other')",
            name="method_known",
            info={"message": N_("Choose the payment method."), "field": "method"},
        ),
        Index("ix_payment_bill", "bill_id", "id"),
        Index("ix_payment_received_at", "received_at", "id"),
        Index("ix_payment_received_by", "received_by_id", "id"),
        Index("ix_payment_shift", "shift_id"),
        Index("ix_payment_refunds", "refunds_id", postgresql_where=text("refunds_id IS NOT NULL")),
        Index("uq_payment_correction", "correction_id", unique=True),
    )

    number: Mapped[str] = mapped_column(unique=True)
    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id", ondelete="RESTRICT"))
    kind: Mapped[str] = mapped_column(default="payment")
    amount: Mapped[Money]
    method: Mapped[str]
    reference: Mapped[str] = mapped_column(default="")
    tendered: Mapped[Money | None]
    note: Mapped[str] = mapped_column(default="")
    payer: Mapped[str] = mapped_column(default="self", server_default="self")
    received_at: Mapped[datetime]
    received_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    shift_id: Mapped[int | None] = mapped_column(ForeignKey("cash_shift.id", ondelete="RESTRICT"))
    refunds_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id", ondelete="RESTRICT"))
    correction_id: Mapped[int | None] = mapped_column(ForeignKey("correction.id", ondelete="RESTRICT", use_alter=True))

    bill: Mapped[Bill] = relationship(back_populates="payments")


class Correction(Record):
    """A request for a refund, a void, a write-off or a discount above the limit, which a second person approves or declines.
    The request does not change; the decision is final.

    `payment_id` is the payment to refund. `amount` is empty for a void, `method` for everything but a refund. `is_credit`
    says that the charge is not owed any more: such a refund also writes its amount off, and such a write-off still waits
    when the bill is paid. A request that the bill leaves nothing to do for is `ended` by the action that made it so.
    """

    __tablename__ = "correction"
    transitions = CORRECTION_TRANSITIONS
    __table_args__ = (
        exact_money("amount"),
        CheckConstraint("kind IN ('refund', 'void', 'write_off', 'discount')", name="kind_known"),
        CheckConstraint("status IN ('waiting', 'approved', 'declined', 'withdrawn', 'ended')", name="status_known"),
        CheckConstraint(
            "btrim(reason) <> ''", name="reason_given", info={"message": N_("Enter the reason."), "field": "reason"}
        ),
        CheckConstraint(
            "(kind = 'void') = (amount IS NULL) AND (kind = 'refund') = (payment_id IS NOT NULL)"
            " AND (kind = 'refund') = (method IS NOT NULL)",
            name="complete",
        ),
        CheckConstraint("NOT is_credit OR kind IN ('refund', 'write_off')", name="credit_of_amount"),
        CheckConstraint(
            AMOUNT_IN_RANGE,
            name="amount_possible",
            info={"message": N_("Enter an amount above zero."), "field": "amount"},
        ),
        CheckConstraint(
            "(status = 'waiting') = (decided_at IS NULL) AND (status = 'waiting') = (decided_by_id IS NULL)",
            name="decided_by_somebody",
        ),
        CheckConstraint(
            "status NOT IN ('approved', 'declined') OR decided_by_id <> proposed_by_id",
            name="decided_by_another",
            info={"message": N_("You made this request, so someone else must decide it.")},
        ),
        Index(
            "uq_correction_waiting",
            "bill_id",
            "kind",
            text("coalesce(payment_id, 0)"),
            unique=True,
            postgresql_where=text("status = 'waiting'"),
            info={"message": N_("This request was already sent and is waiting for approval."), "code": "asked_already"},
        ),
        Index("ix_correction_bill", "bill_id", "id"),
        Index("ix_correction_waiting", "id", postgresql_where=text("status = 'waiting'")),
    )

    kind: Mapped[str]
    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id", ondelete="RESTRICT"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id", ondelete="RESTRICT"))
    amount: Mapped[Money | None]
    method: Mapped[str | None]
    is_credit: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    reason: Mapped[str]
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    status: Mapped[str] = mapped_column(default="waiting")
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str] = mapped_column(default="")


class CreditLine(ImmutableRecord):
    """What a requested write-off credits of one line of its bill: `quantity` units of it. `amount` is their price less their
    part of the discount, and at most what the patient owes of the bill.

    A trigger refuses a line of another bill, and more units than were charged in waiting and approved requests together.
    """

    __tablename__ = "credit_line"
    __table_args__ = (
        exact_money("amount"),
        UniqueConstraint("correction_id", "bill_line_id", info={"message": N_("This line is in the request already.")}),
        CheckConstraint(
            "quantity > 0",
            name="quantity_possible",
            info={"message": N_("Enter a quantity above zero."), "field": "quantity"},
        ),
        CheckConstraint(AMOUNT_IN_RANGE, name="amount_possible", info={"message": N_("Enter an amount above zero.")}),
        Index("ix_credit_line_bill_line", "bill_line_id"),
    )

    correction_id: Mapped[int] = mapped_column(ForeignKey("correction.id", ondelete="RESTRICT"))
    bill_line_id: Mapped[int] = mapped_column(ForeignKey("bill_line.id", ondelete="RESTRICT"))
    quantity: Mapped[int]
    amount: Mapped[Money]


class PrintedDocument(UnauditedRecord):
    """A created PDF, stored in the database so that it is backed up and restored with its bill.

    `facts` holds its number, patient, total and payments, `digest` the SHA-256 of its content; `prove` compares both.
    Documents created before migration 0022 have neither.
    """

    __tablename__ = "printed_document"
    __table_args__ = (Index("uq_printed_document", "kind", "ref_id", "edition", unique=True),)

    kind: Mapped[str]
    ref_id: Mapped[int]
    edition: Mapped[str]
    made_at: Mapped[datetime]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    facts: Mapped[dict | None] = mapped_column(JSONB)
    digest: Mapped[str | None]


class PrintedCopy(UnauditedRecord):
    """How often a document was printed, so that a reprint says COPY."""

    __tablename__ = "printed_copy"
    __table_args__ = (Index("uq_printed_copy", "kind", "ref_id", unique=True),)

    kind: Mapped[str]
    ref_id: Mapped[int]
    copies: Mapped[int] = mapped_column(default=0)
