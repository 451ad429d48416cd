"""Medicines, batches and signed prescriptions for tests of the pharmacy. Each writes in an action of its own."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import count

from hms.billing.models import PriceItem
from hms.clinical.models import Encounter, Prescription
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.formulary.models import Medication
from hms.patients.models import Allergy, Patient
from hms.pharmacy.models import Batch
from hms.pharmacy.receiving import actions
from hms.pharmacy.stock.ledger import record_movement
from hms.pharmacy.stock.rules import MovementKind

_next = count(700_000)


def saved(row):
    with action_context("tests.seed", SYSTEM):
        db.session.add(row)
        db.session.flush()
    return row


def patient(given_names: str = "Kadiatu", family_name: str = "Kamara", **more: object) -> Patient:
    number = next(_next)
    given = {"sex": "female", "birth_date": date(1991, 3, 13), "allergy_status": "none_known"} | more
    row = Patient(number=number, hospital_number=f"HMS-{number}-0", given_names=given_names, family_name=family_name)
    for name, value in given.items():
        setattr(row, name, value)
    return saved(row)


def allergy(patient: Patient, substance: str = "penicillin", **more: object) -> Allergy:
    with action_context("tests.seed", SYSTEM):
        patient.allergy_status = "known"
        row = Allergy(patient_id=patient.id, substance=substance, reaction="rash", **more)
        db.session.add(row)
        db.session.flush()
    return row


def medicine(name: str = "amoxicillin", price: str | None = "2.50", **more: object) -> Medication:
    number = next(_next)
    item = saved(PriceItem(code=f"MED-{number}", name=f"{name} 500 mg", unit_price=Money(price))) if price else None
    given = {
        "generic_name": name,
        "name": f"{name} 500 mg capsule",
        "brand_name": f"B{number}",
        "formulation": "Capsule",
        "form": "capsule",
        "strength": "500 mg",
        "unit": "capsule",
        "route": "oral",
        "ingredients": [name],
        "classes": ["penicillins"] if name == "amoxicillin" else [],
    }
    return saved(Medication(**(given | more), price_item_id=item.id if item else None))


def batch(of: Medication, quantity: int = 100, *, days: int | None = 400, lot: str | None = None) -> Batch:
    """A batch that expires in `days` days; one already expired gets there by its date alone."""
    expires = None if days is None else clock.today() + timedelta(days=days)
    row = saved(
        Batch(medication_id=of.id, lot_number=lot or f"L{next(_next)}", expires_on=expires, unit_cost=Money("1.00"))
    )
    if quantity:
        with action_context("tests.seed", SYSTEM):
            record_movement(row, MovementKind.RECEIPT, quantity, "", SYSTEM)
    return row


def encounter(of: Patient, doctor_id: int | None = None) -> Encounter:
    signed = {"status": "signed", "signed_at": clock.now(), "ended_at": clock.now(), "signed_by_id": doctor_id}
    return saved(Encounter(patient_id=of.id, doctor_id=doctor_id, started_at=clock.now(), **signed))


def prescription(of: Medication | None, visit: Encounter, quantity: int | None = 21, **more: object) -> Prescription:
    given = {
        "medication_name": of.name if of else "herbal tea",
        "dosage": "500 mg",
        "frequency": "three times a day",
        "dose_amount": Decimal(500),
        "dose_unit": "mg",
        "route": "oral",
        "frequency_code": "three_times_daily",
        "days": 7,
        "status": "active",
        "signed_at": clock.now(),
        "prescriber_id": visit.doctor_id,
    }
    row = Prescription(
        patient_id=visit.patient_id,
        encounter_id=visit.id,
        medication_id=of.id if of else None,
        quantity=quantity,
        **(given | more),
    )
    return saved(row)


def ordered(quantity: int = 21, stock: int = 100, **more: object) -> tuple[Prescription, Batch]:
    """One signed prescription of one medicine with one batch."""
    of = medicine()
    return prescription(of, encounter(patient()), quantity, **more), batch(of, stock)


def receive(lines: list[actions.Received], **given: object):
    return actions.receive_goods(
        **({"supplier": "Medstore", "invoice_number": f"I{next(_next)}"} | given), lines=lines, by=SYSTEM
    )
