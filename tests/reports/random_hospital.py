"""A hospital where random things happen on random days, and its figures counted straight from the records."""

# ruff: noqa: S608 - the statements have no values of users
from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any

from sqlalchemy import text

from hms.appointments.models import Appointment, QueueEntry
from hms.billing.bills import actions as bill_actions
from hms.billing.bills import issuing
from hms.billing.corrections import actions as correction_actions
from hms.billing.models import Bill, Payment
from hms.billing.payments import actions as payment_actions
from hms.billing.tills import actions as till_actions
from hms.clinical.models import Condition, Encounter, Prescription
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db
from hms.core.errors import DomainError
from hms.core.money import Money
from hms.core.person import SYSTEM, Person
from hms.core.settings.payers import payer_names
from hms.patients.models import Patient
from hms.reports.period import Period
from tests.billing import factories as billing

MEDICINES = ("amoxicillin", "Paracetamol", "artemether", "zinc")
TITLES = (("B54", "Unspecified malaria"), ("", "Fever"), ("I10", "Hypertension"))
METHODS = ("Cash", "Mobile Money", "Card")


class RandomHospital:
    """Writes what `random` chooses: half of it on past days, and late corrections of any day."""

    def __init__(self, random: Random, cashier: Person, admin: Person, doctors: list[int]) -> None:
        self.random, self.cashier, self.admin, self.doctors = random, cashier, admin, doctors
        self.price_id, self.ago = billing.price().id, dt.timedelta(days=125)
        with clock.frozen_at(clock.now() - dt.timedelta(days=126)):
            till_actions.open_till(Money("10.00"), by=cashier)
        self.patients = [self.register() for _number in range(5)]

    def act(self) -> None:
        """Do one random thing, a little later than the last one. What the rules refuse is left undone.

        Numbers of bills and payments have their times in order, so the time of the hospital goes on from four months ago.
        """
        deeds = (self.register, self.book, self.change_booking, self.visit, self.change_visit, self.see)
        deeds += (self.bill, self.bill, self.pay, self.pay, self.refund, self.void_or_write_off, self.change_patient)
        self.ago = max(self.ago - dt.timedelta(hours=13), dt.timedelta(0))
        try:
            with clock.frozen_at(clock.now() - self.ago):
                self.random.choice((*deeds, self.change_care))()
        except DomainError:
            db.session.rollback()

    def day(self) -> dt.date:
        """The present day, a day of the ten weeks before, or one four months before."""
        return clock.today() - dt.timedelta(days=self.random.choice((0, self.random.randint(1, 70), 130)))

    def instant(self) -> dt.datetime:
        begins, ends = clock.day_bounds(self.day())
        ends = min(ends, clock.now())
        return begins + (ends - begins) * self.random.random() * 0.999

    def _add(self, *rows: Any) -> None:
        with action_context("tests.seed", SYSTEM):
            db.session.add_all(rows)
            db.session.flush()

    def _change(self, row: Any, **values: Any) -> None:
        with action_context("tests.seed", SYSTEM):
            for name, value in values.items():
                setattr(row, name, value)
            db.session.flush()

    def _any(self, model: Any) -> Any:
        rows = db.session.query(model).order_by(model.id).all()
        return self.random.choice(rows) if rows else None

    def register(self) -> int:
        patient = billing.patient(created_at=self.instant())
        return patient.id

    def change_patient(self) -> None:
        row = self._any(Patient)
        self._change(row, status="withdrawn" if row.status == "active" and row.id not in self.patients else row.status)

    def book(self) -> None:
        when = self.day() + dt.timedelta(days=self.random.choice((0, 3, 40, 500)))
        minute = self.random.randrange(0, 24 * 60, 15)
        booking = Appointment(
            patient_id=self.random.choice(self.patients),
            doctor_id=self.random.choice(self.doctors),
            date=when,
            time=dt.time(minute // 60, minute % 60),
            duration_minutes=5,
        )
        self._add(booking)

    def change_booking(self) -> None:
        row = self._any(Appointment)
        if row is not None:
            moved = {"date": row.date + dt.timedelta(days=self.random.randint(-20, 20))}
            ended = {"status": "cancelled"} if row.status == "scheduled" else {}
            withdrawn = {"withdrawn_at": None if row.withdrawn_at else clock.now()}
            self._change(row, **self.random.choice((moved, ended, withdrawn)))

    def visit(self) -> None:
        arrived = self.instant()
        called = arrived + dt.timedelta(seconds=self.random.randint(0, 9000)) if self.random.random() < 0.8 else None
        day = clock.local(arrived).date()
        token = 1 + db.session.query(QueueEntry).filter_by(service_date=day).count()
        doctor_id = self.random.choice((None, *self.doctors))
        entry = QueueEntry(service_date=day, token=token, patient_id=billing.patient().id, doctor_id=doctor_id)
        entry.arrived_at, entry.called_at = arrived, called
        self._add(entry)

    def change_visit(self) -> None:
        row = self._any(QueueEntry)
        if row is not None:
            cancelled = {"status": "cancelled"} if row.status == "waiting" else {}
            other = {"doctor_id": self.random.choice((None, *self.doctors))}
            later = {"called_at": row.arrived_at + dt.timedelta(minutes=self.random.randint(1, 90))}
            self._change(row, **self.random.choice((cancelled, other, later)))

    def see(self) -> None:
        """A signed encounter with diagnoses and prescriptions; sometimes a prescription from elsewhere."""
        signed = self.instant()
        patient_id = billing.patient().id
        encounter = Encounter(patient_id=patient_id, started_at=signed, status="in_progress")
        self._add(encounter)
        for code, title in self.random.sample(TITLES, self.random.randint(0, 2)):
            self._add(Condition(patient_id=patient_id, encounter_id=encounter.id, code=code, title=title))
        lines = [
            Prescription(patient_id=patient_id, encounter_id=encounter.id, medication_name=name)
            for name in self.random.sample(MEDICINES, self.random.randint(0, 3))
        ]
        self._add(*lines)
        if self.random.random() < 0.8:
            for line in lines:
                self._change(line, status="active", signed_at=signed)
            self._change(encounter, status="signed", signed_at=signed)
        if self.random.random() < 0.3:
            elsewhere = Prescription(patient_id=patient_id, medication_name="zinc", status="active")
            elsewhere.external_id, elsewhere.created_at = f"elsewhere {encounter.id}", self.instant()
            self._add(elsewhere)

    def change_care(self) -> None:
        row = self._any(self.random.choice((Encounter, Condition, Prescription)))
        if isinstance(row, Encounter) and self.random.random() < 0.5:
            self.change_encounter(row)
        elif isinstance(row, Prescription) and row.status == "active":
            self._change(row, status=self.random.choice(("completed", "part_dispensed", "stopped", "entered_in_error")))
        elif row is not None and row.status in ("signed", "final"):
            self._change(row, status="entered_in_error")

    def change_encounter(self, row: Encounter) -> None:
        """A late diagnosis, or the encounter is restored."""
        if row.status == "entered_in_error":
            self._change(row, status="signed" if row.signed_at else "in_progress")
        else:
            self._add(Condition(patient_id=row.patient_id, encounter_id=row.id, code="B54", title=TITLES[0][1]))

    def bill(self) -> None:
        items = [{"description": "Dressing", "unit_price": Money(self.random.randint(1, 9999)), "quantity": 1}]
        if self.random.random() < 0.5:
            items.append({"price_item_id": self.price_id, "quantity": self.random.randint(1, 3)})
        share = {"payer": payer_names()[0], "payer_share": "40%"} if self.random.random() < 0.3 else {}
        bill = bill_actions.create_bill(self.random.choice(self.patients), items=items, by=self.cashier, **share)
        if self.random.random() < 0.7:
            issuing.issue(bill.id, by=self.cashier)

    def pay(self) -> None:
        row = self._any(Bill)
        if row is not None:
            by = self.random.choice((self.cashier, SYSTEM))
            amount = Money(self.random.randint(1, 500))
            payment_actions.take_payment(row.id, amount, self.random.choice(METHODS), "TX-123456", payer="self", by=by)

    def refund(self) -> None:
        row = self._any(Payment)
        if row is not None:
            request = correction_actions.request_refund(row.id, amount=Money(1), reason="Not done", by=self.cashier)
            correction_actions.approve(request.id, by=self.admin)

    def void_or_write_off(self) -> None:
        row = self._any(Bill)
        if row is not None:
            propose = self.random.choice((correction_actions.request_void, correction_actions.request_write_off))
            request = propose(row.id, reason="Written twice", by=self.cashier)
            correction_actions.approve(request.id, by=self.admin)


def counted(over: Period) -> dict[str, Any]:
    """The figures of a period and of all days, counted and summed from all records by plain statements."""
    values = {"first": over.first, "until": over.until, "zone": clock.zone().key}
    return {name: _answer(text(statement), values) for name, statement in _STATEMENTS.items()}


def _answer(statement: Any, values: dict[str, Any]) -> Any:
    """One value, or a dict of a statement with two columns, or the rows of any other."""
    result = db.session.execute(statement, values)
    columns, rows = len(result.keys()), [tuple(row) for row in result]
    if columns == 1:
        return rows[0][0]
    return dict(rows) if columns == 2 else rows


def _during(instant: str) -> str:
    day = f"({instant} AT TIME ZONE :zone)::date"
    return f"{day} >= :first AND {day} < :until"


def _month(instant: str) -> str:
    return f"to_char({instant} AT TIME ZONE :zone, 'YYYY-MM')"


_DAYS = "service_date >= :first AND service_date < :until"
_NET = "sum(CASE kind WHEN 'refund' THEN -amount ELSE amount END)"
_BOOKED = "FROM appointment WHERE status NOT IN ('rescheduled', 'cancelled') AND withdrawn_at IS NULL"
_PRESCRIBED = "FROM prescription WHERE status NOT IN ('draft', 'entered_in_error')"
_FREQUENT = "GROUP BY 1 HAVING count(*) > 4"
_CHARGED = f"b.status <> 'void' AND {_during('b.issued_at')}"
_STATEMENTS = {
    "patients": "SELECT count(*) FROM patient WHERE status = 'active'",
    "new": f"SELECT count(*) FROM patient WHERE {_during('created_at')}",
    "visits": f"SELECT count(*) FROM queue_entry WHERE status <> 'cancelled' AND {_DAYS}",
    "wait": "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY floor(extract(epoch FROM called_at - arrived_at) / 60))"
    f" FROM queue_entry WHERE called_at IS NOT NULL AND {_DAYS}",
    "received": f"SELECT coalesce({_NET}, 0) FROM payment WHERE {_during('received_at')}",
    "billed": f"SELECT coalesce(sum(total), 0) FROM bill WHERE status <> 'void' AND {_during('issued_at')}",
    "doctors": f"SELECT doctor_id, count(*) {_BOOKED} GROUP BY 1",
    "doctors of period": f"SELECT doctor_id, count(*) {_BOOKED} AND date >= :first AND date < :until GROUP BY 1",
    "medicines": f"SELECT medication_name, count(*) {_PRESCRIBED} {_FREQUENT}",
    "medicines of period": f"SELECT medication_name, count(*) {_PRESCRIBED} AND {_during('signed_at')} {_FREQUENT}",
    "diagnoses of period": "SELECT btrim(c.code || ' ' || c.title), count(*) FROM condition c JOIN encounter e"
    " ON e.id = c.encounter_id WHERE e.status = 'signed' AND c.status = 'final'"
    f" AND {_during('e.signed_at')} {_FREQUENT}",
    "issued": "SELECT coalesce(sum(total), 0), coalesce(sum(paid), 0), coalesce(sum(total - paid - written_off), 0),"
    " count(*), count(*) FILTER (WHERE status = 'paid') FROM bill WHERE status IN ('issued', 'part_paid', 'paid')",
    "methods": f"SELECT method, {_NET} FROM payment GROUP BY 1",
    "own methods": f"SELECT method, {_NET} FROM payment WHERE received_by_id IS NOT NULL GROUP BY 1",
    "methods of period": f"SELECT method, {_NET} FROM payment WHERE {_during('received_at')} GROUP BY 1",
    "billed months": f"SELECT {_month('issued_at')}, sum(total) FROM bill WHERE issued_at IS NOT NULL"
    " AND status <> 'void' GROUP BY 1",
    "paid months": f"SELECT {_month('received_at')}, {_NET} FROM payment GROUP BY 1",
    "owing": "SELECT count(*) FROM bill WHERE status IN ('draft', 'issued', 'part_paid')"
    " AND total - payer_share - (paid - payer_paid) - written_off > 0",
    "to dispense": "SELECT count(*) FROM prescription WHERE status IN ('active', 'part_dispensed') AND external_id IS NULL",
    "payers": f"SELECT payer, sum(payer_share) FROM bill b WHERE {_CHARGED} AND payer_share > 0 GROUP BY 1",
    "services": "SELECT coalesce(i.name, ''), sum(l.amount) FROM bill b JOIN bill_line l ON l.bill_id = b.id"
    f" LEFT JOIN price_item i ON i.id = l.price_item_id WHERE l.withdrawn_at IS NULL AND {_CHARGED} GROUP BY 1",
}
