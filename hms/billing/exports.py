"""The lists of this desk as files."""

from __future__ import annotations

from sqlalchemy import func

from hms.core.exports.columns import Column, ExportTable, amount, find_by_id, instant
from hms.core.text.translation import N_
from hms.patients.exports import patient_columns
from hms.staff.directory import display_names

from .enums import KIND_LABELS, METHOD_LABELS, SELF, STATE_LABELS, STATUS_LABELS
from .forms import CATEGORIES
from .models import Bill, Payment

_BILL_NUMBERS = find_by_id(Bill.id, func.coalesce(Bill.number, ""))
"""A draft has no number."""
_PAYER = {SELF: N_("Self")}
_PAYMENT_KINDS = {"payment": N_("Payment"), "refund": N_("Refund")}

BILLS = ExportTable(
    "bills",
    N_("Bills"),
    (
        Column("number", N_("Bill")),
        instant("date_issued", N_("Date")),
        *patient_columns(),
        Column("status", N_("Status"), words=STATE_LABELS),
        Column("is_paid", N_("Paid")),
        amount("total_amount", N_("Total")),
        amount("discount", N_("Discount")),
        amount("paid_amount", N_("Amount paid")),
        amount("written_off", N_("Written off")),
        amount("balance", N_("To pay")),
        Column("payer", N_("Payer"), words=_PAYER),
        amount("payer_share", N_("Payer's share")),
        amount("payer_due", N_("To pay by the payer")),
        amount("patient_due", N_("To pay by the patient")),
    ),
)
BILL_ITEMS = ExportTable(
    "bill-items",
    N_("Lines of bills"),
    (
        Column("bill", N_("Bill"), names=_BILL_NUMBERS),
        Column("description", N_("Description")),
        Column("quantity", N_("Quantity")),
        amount("amount", N_("Unit price")),
    ),
)
PAYMENTS = ExportTable(
    "payments",
    N_("Payments"),
    (
        Column("number", N_("Receipt")),
        instant("payment_date", N_("Date")),
        Column("bill", N_("Bill"), names=_BILL_NUMBERS),
        Column("kind", N_("Kind"), words=_PAYMENT_KINDS),
        Column("method", N_("Payment method"), words=METHOD_LABELS),
        amount("amount", N_("Amount")),
        amount("change", N_("Change")),
        Column("payer", N_("Payer"), words=_PAYER),
        Column("reference", N_("Reference")),
        Column("received_by", N_("Received by"), names=display_names),
    ),
)
CORRECTIONS = ExportTable(
    "corrections",
    N_("Approvals"),
    (
        Column("kind", N_("Kind"), words=KIND_LABELS),
        Column("status", N_("Status"), words=STATUS_LABELS),
        Column("bill", N_("Bill"), names=_BILL_NUMBERS),
        Column("payment", N_("Receipt"), names=find_by_id(Payment.id, Payment.number)),
        amount("amount", N_("Amount")),
        Column("method", N_("Payment method"), words=METHOD_LABELS),
        Column("is_credit", N_("Not owed any more")),
        Column("reason", N_("Reason")),
        Column("proposed_by", N_("Requested by"), names=display_names),
        instant("created_at", N_("Requested")),
        Column("decided_by", N_("Decided by"), names=display_names),
        instant("decided_at", N_("Decided")),
        Column("note", N_("Note")),
    ),
)
PRICES = ExportTable(
    "prices",
    N_("Price list"),
    (
        Column("code", N_("Code")),
        Column("name", N_("Name")),
        Column("description", N_("Name on bills")),
        Column("category", N_("Category"), words=dict(CATEGORIES)),
        Column("is_active", N_("Offered")),
        Column("is_priced", N_("Has a price")),
        amount("price", N_("Price")),
    ),
)
