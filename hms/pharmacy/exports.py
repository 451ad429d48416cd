"""The lists of this desk as files."""

from __future__ import annotations

from hms.clinical.prescriptions.display import STATUS_WORDS
from hms.core.exports.columns import Column, ExportTable, amount, day, find_by_id, instant
from hms.core.text.translation import N_
from hms.formulary.exports import medicine_names
from hms.formulary.rule_book.words import DECISION_LABELS, SOURCE_LABELS, TIER_LABELS
from hms.formulary.safety.rule_lists import LISTS
from hms.patients.exports import patient_columns
from hms.staff.directory import display_names

from .models import Batch

_LOT_NUMBERS = find_by_id(Batch.id, Batch.lot_number)
_BATCH_COLUMNS = (
    Column("medication_item", N_("Medicine"), names=medicine_names),
    Column("batch_number", N_("Batch")),
    day("expiry_date", N_("Expiry")),
    Column("quantity_received", N_("Received")),
    Column("current_quantity", N_("On hand")),
    day("received_date", N_("Received on")),
    amount("cost_price_per_unit", N_("Unit cost")),
    amount("selling_price_per_unit", N_("Unit price")),
)
BATCHES = ExportTable("stock-batches", N_("Batches"), _BATCH_COLUMNS)
NEAR_EXPIRY = ExportTable("near-expiry", N_("Expiring soon"), _BATCH_COLUMNS)
ADJUSTMENTS = ExportTable(
    "stock-adjustments",
    N_("Stock adjustments"),
    (
        instant("adjustment_date", N_("Date")),
        Column("medication_item", N_("Medicine"), names=medicine_names),
        Column("stock_batch", N_("Batch"), names=_LOT_NUMBERS),
        Column("adjustment_type", N_("Kind")),
        Column("quantity", N_("Change")),
        Column("reason", N_("Reason")),
        Column("adjusted_by", N_("Adjusted by"), names=display_names),
    ),
)
DISPENSES = ExportTable(
    "dispensed-medicines",
    N_("Dispensed medicines"),
    (
        instant("dispense_date", N_("Dispensed on")),
        *patient_columns(),
        Column("medication_name", N_("Medicine")),
        Column("quantity_dispensed", N_("Dispensed")),
        Column("quantity_remaining", N_("Left to dispense")),
        Column("prescription_status", N_("Status of the prescription"), words=STATUS_WORDS),
        Column("stock_batch", N_("Batch"), names=_LOT_NUMBERS),
        Column("dispensed_by", N_("Dispensed by"), names=display_names),
    ),
)
STOCK = ExportTable(
    "stock",
    N_("Stock"),
    (
        Column("medicine", N_("Medicine")),
        Column("strength", N_("Strength")),
        Column("form", N_("Form")),
        Column("brand", N_("Brand")),
        Column("unit", N_("Unit")),
        Column("usable", N_("On hand")),
        Column("reorder_level", N_("Reorder at")),
        Column("is_low", N_("Below reorder level")),
        day("soonest", N_("Earliest expiry")),
        Column("expiring", N_("Expiring soon")),
        Column("expired", N_("Expired")),
        amount("value", N_("Value")),
        Column("days_left", N_("Days left")),
    ),
)
TO_DISPENSE = ExportTable(
    "prescriptions-to-dispense",
    N_("Prescriptions to dispense"),
    (
        instant("since", N_("Since")),
        *patient_columns(),
        Column("lines", N_("Medicines")),
    ),
)
SAFETY_RULES = ExportTable(
    "safety-rules",
    N_("Safety rules"),
    (
        Column("list", N_("Kind"), words={name: one.label for name, one in LISTS.items()}),
        Column("title", N_("Rule")),
        Column("severity", N_("Severity"), words={"": ""} | TIER_LABELS),
        Column("text", N_("What it says")),
        Column("source", N_("Source")),
        Column("address", N_("Address")),
        Column("source_state", N_("State of the source"), words=SOURCE_LABELS),
        Column("is_retired", N_("Retired")),
        Column("is_own", N_("Decided by this hospital")),
        Column("differs", N_("Program's list differs")),
        Column("version", N_("Version")),
        Column("key", N_("Key")),
    ),
)
RULE_ALERTS = ExportTable(
    "safety-rule-alerts",
    N_("Alerts by rule"),
    (
        Column("month", N_("Month")),
        Column("title", N_("Rule")),
        Column("severity", N_("Severity"), words={"": ""} | TIER_LABELS),
        Column("shown", N_("Shown")),
        Column("overridden", N_("Overridden")),
        Column("share", N_("Share in per cent")),
        Column("reason_words", N_("Reasons")),
        Column("is_demotable", N_("Proposed for a lower severity")),
        Column("key", N_("Key")),
    ),
)
RULE_CHANGES = ExportTable(
    "rule-changes",
    N_("Changes of the safety rules"),
    (
        Column("id", N_("Proposal")),
        Column("status", N_("Status"), words=DECISION_LABELS),
        Column("reason", N_("Reason")),
        Column("source", N_("Source")),
        Column("line_count", N_("Lines")),
        Column("proposed_by", N_("Proposed by"), names=display_names),
        instant("created_at", N_("Proposed on")),
        Column("decided_by", N_("Decided by"), names=display_names),
        instant("decided_at", N_("Decided on")),
        Column("note", N_("Reason for declining")),
        Column("version", N_("Version")),
    ),
)
