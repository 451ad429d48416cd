"""Records that several files of these tests use."""

from __future__ import annotations

import pytest

from hms.billing.models import Bill, BillLine
from hms.clinical.models import Prescription
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.formulary.models import Medication
from hms.patients.access import actions
from hms.pharmacy.models import Dispense, StockMovement
from tests.house.hospital import MEDICINES, ON_THE_LIST, TESTS, add, paid, whole_record


@pytest.fixture
def record(db) -> dict[str, int]:
    """A closed record with something at every desk: its doctor signed the visit two months ago, so nobody is in the care
    team; medicines wait, are held and owed, one was given today, and the bill has lines of the pharmacy and the laboratory.
    """
    known = whole_record("Canarywoman", days_ago=60)
    _at_the_pharmacy(known)
    _on_a_bill(known)
    actions.restrict(known["patient_id"], reason="Works at this hospital", by=SYSTEM)
    return known


def _at_the_pharmacy(known: dict[str, int]) -> None:
    about = {name: known[name] for name in ("patient_id", "encounter_id", "medication_id")}
    words = {"medication_name": MEDICINES[0], "instructions": MEDICINES[0], "status_reason": MEDICINES[0]}
    for status in ("active", "on_hold"):
        add(Prescription(**about, **words, quantity=5, status=status, signed_at=clock.now(), authored_at=clock.now()))
    about.pop("encounter_id")
    given = {"quantity": 1, "dispensed_at": clock.now(), "note": MEDICINES[0]}
    today = add(Dispense(**about, **given, prescription_id=known["prescription_id"]))
    add(StockMovement(kind="dispense", quantity=-1, dispense_id=today.id, batch_id=known["batch_id"], **_moved(known)))
    with action_context("tests.seed", SYSTEM):
        for name in ("name", "generic_name"):
            setattr(database.session.get(Medication, known["medication_id"]), name, ON_THE_LIST)


def _moved(known: dict[str, int]) -> dict[str, object]:
    return {"medication_id": known["medication_id"], "moved_at": clock.now()}


def _on_a_bill(known: dict[str, int]) -> None:
    """A draft, and an issued bill with a payment in the place of the one without lines of care."""
    price = {"unit_price": Money("10.00"), "amount": Money("10.00")}
    for _nth in range(2):
        bill = add(Bill(patient_id=known["patient_id"], total=Money("20.00")))
        for source, words in (("dispense", MEDICINES[0]), ("lab_order", TESTS[0])):
            add(BillLine(bill_id=bill.id, description=words, source=source, source_id=700_000 + bill.id, **price))
    with action_context("tests.seed", SYSTEM):
        bill.status, bill.number, bill.issued_at = "part_paid", f"B-2025-{bill.id:06d}", clock.now()
        bill.paid = Money("4.00")
    payment = paid(bill.id, 700_000 + bill.id, clock.now())
    known |= {"bill_id": bill.id, "payment_id": payment.id}
