"""Locks the rows of a dispensing: its lines, then the batches of their medicines, always in the order of their ids.

Lock order: prescriptions, batches, medicines, bills. It prevents deadlocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from sqlalchemy import Row, Select, bindparam, select

from hms.billing.models import PriceItem
from hms.clinical.models import Prescription
from hms.core import clock
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict, NotFound, RuleBroken
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.formulary.models import Medication
from hms.formulary.safety.medicine_facts import Medicine
from hms.patients.access import policy
from hms.patients.access.reader import ReaderKind, reader_kind, reader_values
from hms.patients.allergies import queries
from hms.patients.models import Patient
from hms.pharmacy.models import Batch
from hms.pharmacy.stock import allocation

from . import allergy_recheck, rules

DISPENSABLE = ("active", "part_dispensed")
PRESCRIBED_ELSEWHERE = N_("This medicine was prescribed elsewhere. A doctor prescribes it here before it is dispensed.")
NOT_GIVABLE = {
    "draft": N_("This prescription is not signed yet. You can dispense it after the prescriber has signed."),
    "on_hold": N_("This medicine is on hold. Resume it first."),
    "completed": N_("This prescription is already fully dispensed."),
    "stopped": N_("The prescriber stopped this medicine. Do not dispense it."),
    "entered_in_error": N_("This prescription was entered in error. Do not dispense it."),
}
NOT_STOCKED = N_("This medicine is not on the medicine list, so there is no stock. Query the prescriber.")

MISSING = N_("This prescription does not exist.")

_STATUS = {
    rules.LineState.WAITING: "active",
    rules.LineState.PART_DISPENSED: "part_dispensed",
    rules.LineState.DISPENSED: "completed",
}
Picks = list[tuple[int, int]]


@dataclass
class LockedStock:
    """The locked batches of some medicines; `take` counts what the lines of one dispensing take together."""

    held: dict[int, list[allocation.Batch]]
    taken: dict[int, int] = field(default_factory=dict)

    def batches(self, medication_id: int) -> list[allocation.Batch]:
        """The batches of a medicine, each with the quantity that is left after `take`."""
        return [b._replace(on_hand=b.on_hand - self.taken.get(b.batch_id, 0)) for b in self.held.get(medication_id, ())]

    def take(self, picks: Picks) -> None:
        for batch_id, quantity in picks:
            self.taken[batch_id] = self.taken.get(batch_id, 0) + quantity

    def allocate(self, line: Row, quantity: int) -> allocation.Allocation:
        """Allocate `quantity` for a course that starts today, earliest expiry first."""
        batches = self.batches(line.medication_id)
        return allocation.allocate(quantity, batches, clock.today(), line.days or 0)


def locked_line(prescription_id: int, by: Person) -> Prescription:
    """Read the prescription again and lock it; `NotFound` when it is missing, `RecordRestricted` when `by` may not open the
    record."""
    query = select(Prescription).where(Prescription.id == prescription_id).with_for_update()
    line = db.session.scalars(query, execution_options={"populate_existing": True}).one_or_none()
    if line is None:
        raise NotFound(MISSING)
    policy.check_record(line.patient_id, by)
    return line


def locked_lines(ids: Iterable[int], by: Person) -> list[Row]:
    """Lock the lines; `NotFound` when one is missing, `RecordRestricted` when `by` may not open a record.

    Each row has columns of the prescription, its medicine, the item of the price list, and the patient's allergies.
    """
    wanted = sorted(set(ids))
    lines = db.session.execute(_lines(kind=reader_kind(by)), {"ids": wanted} | reader_values(by)).all()
    if len(lines) != len(wanted):
        raise NotFound(MISSING)
    for line in lines:
        policy.check_marked(line, by)
    return lines


_LINE = (
    *("id", "patient_id", "encounter_id", "medication_id", "medication_name", "quantity", "quantity_dispensed"),
    *("status", "external_id", "days", "signed_at", "override_code", "reasons", "version"),
)
_MEDICINE = (
    *("name", "generic_name", "brand_name", "ingredients", "classes", "strength", "form", "unit", "route"),
    *(
        "has_no_maximum",
        "max_daily_mg",
        "max_daily_mg_per_kg",
        "pregnancy",
        "min_age_years",
        "min_age_tier",
        "price_item_id",
    ),
)


@cache
def _lines(*, kind: ReaderKind) -> Select:
    ids = bindparam("ids")
    who = kind.reader()
    line, medicine, item, patient = (model.__table__ for model in (Prescription, Medication, PriceItem, Patient))
    others = (item.c.name.label("item_name"), item.c.billing_label, item.c.unit_price, patient.c.allergy_status)
    others += policy.access_columns(who, line.c.patient_id)
    columns = (*(line.c[name] for name in _LINE), *(medicine.c[name] for name in _MEDICINE), *others)
    query = select(*columns, queries.allergies_column(line.c.patient_id).label("allergies")).select_from(
        line.join(patient, patient.c.id == line.c.patient_id)
        .outerjoin(medicine, medicine.c.id == line.c.medication_id)
        .outerjoin(item, item.c.id == medicine.c.price_item_id)
    )
    return query.where(line.c.id.in_(ids)).order_by(line.c.id).with_for_update(of=line)


def locked_shelf(medication_ids: Iterable[int]) -> LockedStock:
    """Lock every batch of the medicines that has stock."""
    held: dict[int, list[allocation.Batch]] = {}
    for medication_id, *batch in db.session.execute(_batches(), {"medication_ids": sorted(set(medication_ids))}):
        held.setdefault(medication_id, []).append(allocation.Batch(*batch))
    return LockedStock(held)


@cache
def _batches() -> Select:
    medication_ids = bindparam("medication_ids")
    batch = Batch.__table__.c
    query = select(batch.medication_id, batch.id, batch.quantity, batch.expires_on, batch.lot_number)
    held = query.where(batch.medication_id.in_(medication_ids), batch.quantity > 0)
    return held.order_by(batch.id).with_for_update()


def quantity_owed(line: Row) -> int | None:
    """The quantity owing; None when the prescriber entered no quantity, so that the pharmacist decides."""
    return None if line.quantity is None else rules.remaining_quantity(line.quantity, line.quantity_dispensed)


def check_dispensable(line: Row) -> None:
    if line.external_id is not None:
        raise Conflict(PRESCRIBED_ELSEWHERE, code="prescribed_elsewhere")
    if line.status not in DISPENSABLE:
        raise Conflict(NOT_GIVABLE[line.status], code=line.status)
    if line.medication_id is None:
        raise RuleBroken(NOT_STOCKED, "medication")


def check_owed(line: Row, quantity: int) -> None:
    ordered = quantity + line.quantity_dispensed if line.quantity is None else line.quantity
    rules.check_dispense(quantity, ordered, line.quantity_dispensed)


def check_short(allocated: allocation.Allocation, quantity: int) -> None:
    """`Conflict` when there is less than `quantity` in stock; the message says how much may be dispensed."""
    if not allocated.short:
        return
    left = quantity - allocated.short
    if not left:
        raise Conflict(
            N_("Out of stock. The whole quantity stays owing."),
            "quantity",
            code="out_of_stock",
        )
    message = N_("Only %(left)s in stock. Dispense this quantity. The rest stays owing.")
    raise Conflict(message, "quantity", code="out_of_stock", left=left)


def check_allergies(line: Row) -> None:
    """`RuleBroken` when the line has a serious allergy alert for which the prescriber gave no reason."""
    result = allergy_recheck.recheck(
        Medicine.from_record(line, line.medication_name),
        queries.read_allergies_column(line.allergies),
        is_asked=line.allergy_status != "not_asked",
        line=line,
    )
    allergy_recheck.refuse_new_alerts(result)


def status_after(ordered: int | None, given: int) -> str:
    """The status of a line after `given` units were dispensed in all."""
    return _STATUS[rules.line_state(given if ordered is None else ordered, given)]


def apply_movement(line: Prescription, quantity: int) -> None:
    """Add `quantity` (negative for a return) to the line's dispensed quantity and set its status."""
    line.quantity_dispensed += quantity
    set_status(line, status_after(line.quantity, line.quantity_dispensed))
    line.status_reason = ""
    line.increment_version()
