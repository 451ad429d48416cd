"""The number of statements of pages and lists does not grow with the number of patients, and a read ends as a read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, func, select

from hms.appointments.models import Absence, Appointment, QueueEntry
from hms.billing.models import Bill, BillLine, CashShift, Payment, PriceItem
from hms.clinical.models import Condition, Encounter, Prescription, VitalsReading
from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db as database
from hms.core.exports.making import BATCH
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.formulary.models import Medication
from hms.messages.models import Notification
from hms.patients.models import Allergy, Patient
from hms.pharmacy.models import Batch, Dispense, StockMovement
from hms.staff import request_user
from hms.staff.models import LoginActivity, User

FEW, MANY = 10, 99
"""One row less than a full page of the API, because a full page needs one more statement to count."""

pytestmark = pytest.mark.slow

MOST = 16
"""No list and no board needs more statements than this, including those for the person and the top bar."""

MOST_OF = {"home.page": 20, "home.rows": 20, "reports.overview": 40}
"""Pages of figures: one statement for each figure."""

IN_BATCHES, PER_BATCH = {"exports.audit_logs", "exports.audit_trail"}, 6
"""Files of the trail, which has more entries of so many patients than one batch of an export; each batch costs so many
statements at most: whether the person still may read, the rows, and their names."""

NO_LISTS = ("admin_api.health", "admin_api.openapi", "admin_api.documentation", "static", "staff.sign_out_page", "kit.")


def add(first: int, last: int) -> None:
    """Patients `first` to `last` - 1, each with records at every desk."""
    with action_context("tests.seed", SYSTEM):
        people = {name: id_ for name, id_ in database.session.execute(select(User.username, User.id))}
        for n in range(first, last):
            _one(n, people)
    with action_context("tests.seed", request_user.load_active_person(people["cashier"])):
        _take_payments(first, last, people["cashier"])


def _saved(row):
    database.session.add(row)
    database.session.flush()
    return row


def _one(n: int, people: dict[str, int]) -> None:
    now, today, doctor = clock.now(), clock.today(), people["doctor"]
    number = 500_000 + n
    patient = _saved(
        Patient(number=number, hospital_number=f"HMS-{number}-0", given_names=f"Kadiatu {n}", family_name="Kamara")
    )
    _saved(Allergy(patient_id=patient.id, substance="penicillin"))
    time = dt.time(5 * n // 60, 5 * n % 60)
    booking = {"patient_id": patient.id, "doctor_id": doctor, "date": today, "duration_minutes": 5}
    booked = _saved(Appointment(time=time, status="checked_in" if n % 2 else "scheduled", **booking))
    if n % 2:
        place = {"service_date": today, "token": 1000 + n, "arrived_at": now - dt.timedelta(minutes=n)}
        _saved(QueueEntry(patient_id=patient.id, appointment_id=booked.id, doctor_id=doctor, **place))
    _saved(
        Absence(doctor_id=doctor, starts=now + dt.timedelta(days=n + 1), ends=now + dt.timedelta(days=n + 1, hours=1))
    )
    _cared_for(n, patient, doctor, people)
    _billed(n, patient, people)
    _saved(LoginActivity(user_id=doctor, status="failed"))
    for user_id in people.values():
        _saved(Notification(user_id=user_id, title=f"Result {n}"))


def _cared_for(n: int, patient: Patient, doctor: int, people: dict[str, int]) -> None:
    now = clock.now()
    signed = {"status": "signed", "started_at": now, "signed_at": now, "signed_by_id": doctor}
    visit = _saved(Encounter(patient_id=patient.id, doctor_id=doctor, notes="Well.", **signed))
    _saved(Condition(patient_id=patient.id, encounter_id=visit.id, title="Malaria", code="B54"))
    _saved(
        VitalsReading(patient_id=patient.id, encounter_id=visit.id, taken_at=now, taken_by_id=people["nurse"], pulse=70)
    )
    item = _saved(PriceItem(code=f"X{n}", name=f"Thing {n}", unit_price=Money("2.00")))
    drug = _saved(
        Medication(
            name=f"Medicine {n}", generic_name=f"medicine {n}", unit="tablet", reorder_level=9, price_item_id=item.id
        )
    )
    soon = clock.today() + dt.timedelta(days=20)
    batch = _saved(Batch(medication_id=drug.id, lot_number=f"L{n}", expires_on=soon))
    _saved(StockMovement(batch_id=batch.id, medication_id=drug.id, kind="receipt", quantity=8, moved_at=now))
    ordered = {"medication_id": drug.id, "medication_name": drug.name, "quantity": 9, "quantity_dispensed": 1}
    line = Prescription(
        patient_id=patient.id, encounter_id=visit.id, prescriber_id=doctor, status="part_dispensed", **ordered
    )
    line.signed_at = line.authored_at = now
    _saved(line)
    given = {"patient_id": patient.id, "medication_id": drug.id, "quantity": 1, "dispensed_at": now}
    handed = _saved(Dispense(prescription_id=line.id, dispensed_by_id=people["pharmacist"], **given))
    moved = {"kind": "dispense", "quantity": -1, "dispense_id": handed.id, "moved_at": now}
    _saved(StockMovement(batch_id=batch.id, medication_id=drug.id, **moved))


def _billed(n: int, patient: Patient, people: dict[str, int]) -> None:
    now = clock.now()
    bill = _saved(Bill(patient_id=patient.id, total=Money("10.00")))
    _saved(BillLine(bill_id=bill.id, description="Dressing", unit_price=Money("10.00"), amount=Money("10.00")))
    bill.status, bill.number, bill.issued_at, bill.paid = "part_paid", f"B-2026-{900_000 + n}", now, Money("4.00")
    database.session.flush()


def _take_payments(first: int, last: int, cashier: int) -> None:
    is_open = select(CashShift).filter_by(cashier_id=cashier, closed_at=None)
    till = database.session.scalars(is_open).one_or_none() or _saved(
        CashShift(cashier_id=cashier, opened_at=clock.now())
    )
    paid = {
        "kind": "payment",
        "amount": Money("4.00"),
        "method": "Cash",
        "received_by_id": cashier,
        "shift_id": till.id,
    }
    for number in range(900_000 + first, 900_000 + last):
        bill = database.session.scalars(select(Bill).filter_by(number=f"B-2026-{number}")).one()
        _saved(Payment(number=f"R-2026-{number}", bill_id=bill.id, received_at=clock.now(), **paid))


def _places(app) -> Iterator[tuple[str, str]]:
    """Endpoint and address of everything that can be fetched without naming a record."""
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods and not rule.arguments and not rule.endpoint.startswith(NO_LISTS):
            yield rule.endpoint, rule.rule + ("?page_size=100" if rule.rule.startswith("/api/") else "")


@contextmanager
def rollbacks() -> Iterator[list[Any]]:
    """What is rolled back in this block. After a ROLLBACK psycopg discards its prepared statements, and all are planned again."""
    ended: list[Any] = []

    def note(_session: Any, transaction: Any) -> None:
        ended.append(transaction)

    event.listen(database.session, "after_soft_rollback", note)
    try:
        yield ended
    finally:
        event.remove(database.session, "after_soft_rollback", note)


def _counts(client, places: list[tuple[str, str]]) -> dict[str, int]:
    """Statements of a warm fetch, of all that the person may fetch; none ends with a rollback."""
    counts, rolled_back = {}, []
    for endpoint, path in places:
        with rollbacks() as ended:
            if client.get(path).status_code != 200:
                continue
        rolled_back += [endpoint] * bool(ended)
        counts[endpoint] = min(int(client.get(path).headers["X-Queries"]) for _ in range(2))
    assert rolled_back == []
    return counts


@pytest.mark.parametrize("role", ["nurse", "doctor", "pharmacist", "admin"])
def test_ten_and_a_hundred_rows_cost_the_same_queries(app, db, desk, program, role):
    places = list(_places(app))
    pages = [place for place in places if not place[1].startswith("/api/")]
    programs = [place for place in places if place[1].startswith("/api/")]
    at_desk, by_token = desk(role), program(role)
    at_desk.checks = by_token.checks = False
    add(0, FEW)
    few = _counts(at_desk, pages) | _counts(by_token, programs)
    add(FEW, MANY)
    many = _counts(at_desk, pages) | _counts(by_token, programs)
    assert len(few) > 12
    batches = database.session.scalar(select(func.count()).select_from(AuditEntry)) // BATCH
    for name in few.keys() & IN_BATCHES:
        many[name] -= batches * PER_BATCH
    grown = {name: (few[name], many[name]) for name in few if many[name] > few[name]}
    assert grown == {}
    assert {name: count for name, count in many.items() if count > MOST_OF.get(name, MOST)} == {}
