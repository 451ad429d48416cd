"""The proof finds a cent or a tablet that somebody moved behind the hospital's back."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from hms.billing import actions as billing
from hms.core.actions import doing
from hms.core.money import Money
from hms.core.people import SYSTEM
from hms.formulary.models import Medication
from hms.patients.models import Patient
from hms.pharmacy import actions as pharmacy
from hms.reports import proving


@pytest.fixture
def hospital(db):
    """One paid bill and one stocked medicine."""
    with doing("tests.seed", SYSTEM):
        patient = Patient(hospital_number="HMS-1", number=1, given_names="Isatu", sex="female")
        medicine = Medication(name="paracetamol", generic_name="paracetamol", unit="tablet")
        db.session.add_all([patient, medicine])
        db.session.flush()
        pharmacy.receive_goods("Stores", "INV-1", [pharmacy.Received(medicine.id, "A1", "1230", 100)], by=SYSTEM)
        items = [{"description": "Visit", "unit_price": Money("150.00"), "quantity": 1}]
        bill = billing.create_bill(patient_id=patient.id, items=items, by=SYSTEM)
        billing.take_payment(bill.id, Money("50.00"), "Cash", by=SYSTEM)
    return bill


def test_books_kept_by_the_desks_fit(hospital):
    assert list(proving.faults()) == []


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        ("UPDATE bill SET paid = 60", "paid amount"),
        ("UPDATE bill SET total = 140", "total"),
        ("UPDATE bill SET status = 'paid'", "state"),
        ("UPDATE batch SET quantity = 99", "batch"),
        ("UPDATE medication SET current_stock = 7", "medicine"),
        ("UPDATE number_series SET last_number = 9 WHERE series LIKE 'bill:%'", "missing"),
    ],
)
@pytest.mark.security("N")
def test_tampering_is_named(db, hospital, tampering, said):
    db.session.execute(text("RESET ROLE"))
    db.session.execute(text("SET LOCAL session_replication_role = replica"))
    db.session.execute(text(tampering))
    assert any(said in fault for fault in proving.faults())
