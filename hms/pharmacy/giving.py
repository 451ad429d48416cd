"""The locked rows of a dispensing: its lines, then the batches of their medicines, always in the order of their ids.

Everybody who moves stock locks prescriptions, then batches, then medicines, then bills; so nobody waits in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from hms.billing.actions import add_charge
from hms.clinical.models import Prescription
from hms.core import clock
from hms.core.alerts import Alert, alert
from hms.core.db import db
from hms.core.errors import Conflict, NotFound, RuleBroken
from hms.core.people import Person
from hms.core.words import _
from hms.formulary import facts
from hms.formulary.knowledge import Medicine
from hms.formulary.models import Medication
from hms.patients.models import Allergy, Patient

from . import rechecks, rules
from .models import Batch, Dispense, StockMovement

GIVABLE = ("active", "part_dispensed")
PRESCRIBED_ELSEWHERE = _("This medicine was prescribed elsewhere. A doctor prescribes it here before it is dispensed.")
NOT_GIVABLE = {
    "draft": _("This prescription is not signed yet. It can be dispensed once the prescriber has signed."),
    "on_hold": _("This medicine is on hold. Resume it first."),
    "completed": _("Everything on this prescription was given already."),
    "stopped": _("This medicine was stopped by the prescriber. Do not give it."),
    "entered_in_error": _("This prescription was entered in error. Do not give it."),
}
NOT_STOCKED = _("This medicine is not on the hospital's list, so there is no stock of it. Query the prescriber.")

Picks = list[tuple[int, int]]


@dataclass
class Shelf:
    """The locked batches of some medicines; `take` keeps count of what the lines of one dispensing take together."""

    held: dict[int, list[rules.Batch]]
    taken: dict[int, int] = field(default_factory=dict)

    def batches(self, medication_id: int) -> list[rules.Batch]:
        """What is left of each batch after what was taken so far."""
        return [b._replace(on_hand=b.on_hand - self.taken.get(b.batch_id, 0)) for b in self.held.get(medication_id, ())]

    def take(self, picks: Picks) -> None:
        for batch_id, quantity in picks:
            self.taken[batch_id] = self.taken.get(batch_id, 0) + quantity

    def allocate(self, line: Prescription, quantity: int) -> rules.Allocation:
        """First expiry first out for a course that starts today."""
        batches = self.batches(line.medication_id)
        return rules.allocate(quantity, batches, clock.today(), line.days or 0)


def locked_lines(ids: Iterable[int]) -> list[Prescription]:
    """The prescriptions, freshly read; `NotFound` when one is missing."""
    wanted = sorted(set(ids))
    query = select(Prescription).where(Prescription.id.in_(wanted)).order_by(Prescription.id).with_for_update()
    lines = list(db.session.scalars(query, execution_options={"populate_existing": True}))
    if len(lines) != len(wanted):
        raise NotFound(_("There is no such prescription."))
    return lines


def locked_line(prescription_id: int) -> Prescription:
    return locked_lines([prescription_id])[0]


def locked_shelf(medication_ids: Iterable[int]) -> Shelf:
    """Every batch of the medicines that holds something."""
    query = (
        select(Batch)
        .where(Batch.medication_id.in_(sorted(set(medication_ids))), Batch.quantity > 0)
        .order_by(Batch.id)
        .with_for_update()
    )
    held: dict[int, list[rules.Batch]] = {}
    for batch in db.session.scalars(query, execution_options={"populate_existing": True}):
        held.setdefault(batch.medication_id, []).append(rules.Batch(batch.id, batch.quantity, batch.expires_on))
    return Shelf(held)


def owed(line: Prescription) -> int | None:
    """What may still be given; None when the prescriber wrote no quantity and the pharmacist decides."""
    return None if line.quantity is None else rules.owing(line.quantity, line.quantity_dispensed)


def check_givable(line: Prescription) -> None:
    if line.external_id is not None:
        raise Conflict(PRESCRIBED_ELSEWHERE, code="prescribed_elsewhere")
    if line.status not in GIVABLE:
        raise Conflict(NOT_GIVABLE[line.status], code=line.status)
    if line.medication_id is None:
        raise RuleBroken(NOT_STOCKED, "medication")


def check_owed(line: Prescription, quantity: int) -> None:
    ordered = quantity + line.quantity_dispensed if line.quantity is None else line.quantity
    rules.check_dispense(quantity, ordered, line.quantity_dispensed)


def check_short(found: rules.Allocation, quantity: int) -> None:
    """`Conflict` when the shelf cannot give `quantity`; what there is may still be given."""
    if not found.short:
        return
    left = quantity - found.short
    message = _("Only %(left)s can be given from stock. Give that many; the rest stays owed.")
    if not left:
        message = _("Out of stock: none of it can be given now. The whole quantity stays owed.")
    raise Conflict(message % {"left": left}, "quantity", code="out_of_stock")


def check_allergies(lines: Sequence[Prescription], medicines: dict[int, Medication]) -> None:
    """Refuse the lines that an allergy forbids which the prescriber has not answered."""
    patients = sorted({line.patient_id for line in lines})
    status = dict(db.session.execute(select(Patient.id, Patient.allergy_status).where(Patient.id.in_(patients))).all())
    active = select(Allergy).where(Allergy.patient_id.in_(patients), Allergy.status == "active").order_by(Allergy.id)
    recorded = list(db.session.scalars(active))
    for line in lines:
        found = rechecks.recheck(
            Medicine.on_record(medicines[line.medication_id]),
            [entry for entry in recorded if entry.patient_id == line.patient_id],
            is_asked=status[line.patient_id] != "not_asked",
            signed_at=line.signed_at,
            is_overridden=bool(line.override_code),
        )
        rechecks.check_new_stops(found)


def medicines_of(lines: Iterable[Prescription]) -> dict[int, Medication]:
    ids = {line.medication_id for line in lines}
    return {row.id: row for row in db.session.scalars(select(Medication).where(Medication.id.in_(ids)))}


def write(
    given: Sequence[tuple[Prescription, Picks]], medicines: dict[int, Medication], *, by: Person, **details: str
) -> list[Dispense]:
    """Record what leaves: one dispense a line with its movements, the lines' new state, and a charge each."""
    done = [_dispense(line, picks, by, details) for line, picks in given]
    db.session.add_all(done)
    db.session.flush()
    _move(done, given, by)
    for dispense, (line, _picks) in zip(done, given, strict=True):
        medicine = medicines[dispense.medication_id]
        add_charge(
            dispense.patient_id,
            price_item_id=medicine.price_item_id,
            description=facts.full_name(medicine),
            quantity=dispense.quantity,
            source="dispense",
            source_id=dispense.id,
            encounter_id=line.encounter_id,
            by=by,
        )
    for kind in (Alert.PRESCRIPTION_CHANGED, Alert.STOCK_CHANGED, Alert.BILL_CHANGED):
        alert(kind)
    return done


def _dispense(line: Prescription, picks: Picks, by: Person, details: dict[str, str]) -> Dispense:
    quantity = sum(count for _batch, count in picks)
    moved(line, quantity)
    return Dispense(
        prescription_id=line.id,
        patient_id=line.patient_id,
        medication_id=line.medication_id,
        quantity=quantity,
        dispensed_at=clock.now(),
        dispensed_by_id=by.id,
        **details,
    )


def moved(line: Prescription, quantity: int) -> None:
    """Count `quantity` (below zero for a return) on the line and set where it stands."""
    line.quantity_dispensed += quantity
    ordered = line.quantity if line.quantity is not None else line.quantity_dispensed
    states = {"waiting": "active", "part_dispensed": "part_dispensed", "dispensed": "completed"}
    line.status = states[rules.line_state(ordered, line.quantity_dispensed)]
    line.status_reason = ""
    line.changed()


def _move(done: Sequence[Dispense], given: Sequence[tuple[Prescription, Picks]], by: Person) -> None:
    rows = [
        (dispense.medication_id, batch_id, quantity, dispense.id)
        for dispense, (_line, picks) in zip(done, given, strict=True)
        for batch_id, quantity in picks
    ]
    for medication_id, batch_id, quantity, dispense_id in sorted(rows):
        movement = StockMovement(
            batch_id=batch_id,
            medication_id=medication_id,
            kind="dispense",
            quantity=-quantity,
            dispense_id=dispense_id,
            moved_at=clock.now(),
            moved_by_id=by.id,
        )
        db.session.add(movement)
        db.session.flush()
