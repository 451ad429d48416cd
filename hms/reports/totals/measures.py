"""What is counted and summed for each day. Each measure is one declaration; all its statements are made from it.

The triggers of migration 0040 note each change of a day's records. A measure that uses another column needs a trigger that
compares this column.
"""

from __future__ import annotations

from dataclasses import dataclass

from hms.billing.models import OWING


@dataclass(frozen=True)
class Source:
    """A table whose records belong to days. `number` is its number in the advisory locks and in the triggers.

    `day` is the SQL of a date, or of an instant whose day in the hospital's zone counts (`is_instant`); it has an index.
    The days up to `days_ahead` after today are settled too, because appointments are booked for coming days. `parts` are other
    tables whose rows belong to these records and are counted with them, and whose triggers note the same days.
    """

    name: str
    number: int
    day: str
    is_instant: bool = True
    days_ahead: int = -1
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measure:
    """The number of records, and the sum of `amount`, for each day and key. `key`, `where` and `amount` are SQL.

    `joined` is the SQL that joins other tables to the source.
    """

    name: str
    source: Source
    key: str = "''"
    where: str = "true"
    amount: str = "0"
    joined: str = ""


PATIENT = Source("patient", 1, "patient.created_at")
QUEUE_ENTRY = Source("queue_entry", 2, "queue_entry.service_date", is_instant=False)
APPOINTMENT = Source("appointment", 3, "appointment.date", is_instant=False, days_ahead=400)
ENCOUNTER = Source("encounter", 4, "encounter.signed_at", parts=("condition",))
PRESCRIPTION = Source("prescription", 5, "coalesce(prescription.signed_at, prescription.created_at)")
BILL = Source("bill", 6, "coalesce(bill.issued_at, bill.created_at)")
PAYMENT = Source("payment", 7, "payment.received_at")
SOURCES = (PATIENT, QUEUE_ENTRY, APPOINTMENT, ENCOUNTER, PRESCRIPTION, BILL, PAYMENT)

_COUNTS = "status NOT IN ('draft', 'entered_in_error')"
_CHARGED = "bill.issued_at IS NOT NULL AND bill.status <> 'void'"
_NET = "CASE kind WHEN 'refund' THEN -amount ELSE amount END"

PATIENTS = Measure("patients", PATIENT, key="status")
"""Patients by status, on the day of registration."""
VISITS = Measure("visits", QUEUE_ENTRY, key="coalesce(doctor_id::text, '')", where="status <> 'cancelled'")
"""Check-ins by doctor."""
WAITS = Measure(
    "waits",
    QUEUE_ENTRY,
    key="floor(extract(epoch FROM called_at - arrived_at) / 60)::bigint::text",
    where="called_at IS NOT NULL",
)
"""Patients called, by the whole minutes from check-in to the first call."""
APPOINTMENTS = Measure(
    "appointments",
    APPOINTMENT,
    key="doctor_id::text",
    where="status NOT IN ('rescheduled', 'cancelled') AND withdrawn_at IS NULL",
)
"""Appointments by doctor."""
DIAGNOSES = Measure(
    "diagnoses",
    ENCOUNTER,
    key="btrim(condition.code || ' ' || condition.title)",
    where="encounter.status = 'signed' AND condition.status = 'final' AND NOT condition.is_absence",
    joined="JOIN condition ON condition.encounter_id = encounter.id",
)
"""Diagnoses of signed encounters, by code and title."""
PRESCRIPTIONS = Measure(
    "prescriptions", PRESCRIPTION, key="medication_name", where=f"signed_at IS NOT NULL AND {_COUNTS}"
)
"""Signed prescriptions by medicine."""
UNSIGNED_PRESCRIPTIONS = Measure(
    "unsigned_prescriptions", PRESCRIPTION, key="medication_name", where=f"signed_at IS NULL AND {_COUNTS}"
)
"""Prescriptions that were never signed here, such as imported ones, by medicine, on the day when they were recorded."""
TO_DISPENSE = Measure(
    "to_dispense",
    PRESCRIPTION,
    key="status",
    where="status IN ('active', 'part_dispensed') AND external_id IS NULL",
)
"""Prescriptions that are still to be dispensed, by status."""
BILLS = Measure("bills", BILL, key="status", where="issued_at IS NOT NULL", amount="total")
"""Issued bills and their totals, by status."""
BILLS_PAID = Measure("bills_paid", BILL, key="status", where="issued_at IS NOT NULL AND paid <> 0", amount="paid")
BILLS_WRITTEN_OFF = Measure(
    "bills_written_off", BILL, key="status", where="issued_at IS NOT NULL AND written_off <> 0", amount="written_off"
)
BILLS_OWING = Measure("bills_owing", BILL, where=OWING)
"""Bills on which a patient has an amount to pay."""
PAYER_SHARES = Measure(
    "payer_shares", BILL, key="payer", where=f"{_CHARGED} AND payer_share <> 0", amount="payer_share"
)
"""The shares of other payers in issued bills, by payer."""
SERVICES = Measure(
    "services",
    BILL,
    key="coalesce(bill_line.price_item_id::text, '')",
    where=f"{_CHARGED} AND bill_line.withdrawn_at IS NULL",
    amount="bill_line.amount",
    joined="JOIN bill_line ON bill_line.bill_id = bill.id",
)
"""Lines of issued bills by item of the price list, before discounts."""
PAYMENTS = Measure("payments", PAYMENT, key="method", amount=_NET)
"""Payments less refunds, by method."""
CASHIERS = Measure(
    "cashiers", PAYMENT, key="received_by_id || ' ' || method", where="received_by_id IS NOT NULL", amount=_NET
)
"""Payments less refunds, by the person who took them and by method."""

MEASURES = (
    *(PATIENTS, VISITS, WAITS, APPOINTMENTS, DIAGNOSES, PRESCRIPTIONS, UNSIGNED_PRESCRIPTIONS, TO_DISPENSE),
    *(BILLS, BILLS_PAID, BILLS_WRITTEN_OFF, BILLS_OWING, PAYER_SHARES, SERVICES, PAYMENTS, CASHIERS),
)
