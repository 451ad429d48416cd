"""The states of records: every action reaches exactly the states of its table, and the database refuses all others."""

from __future__ import annotations

import ast
import datetime as dt
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import hms
from hms.appointments.bookings import actions as booking_actions
from hms.appointments.models import Appointment, QueueEntry
from hms.appointments.queue import actions as queue_actions
from hms.appointments.queue import transitions
from hms.billing.bills import issuing
from hms.billing.corrections import actions as correction_actions
from hms.billing.models import Bill, Correction
from hms.billing.payments import actions as payment_actions
from hms.clinical import signing, withdrawal
from hms.clinical.diagnoses import actions as diagnosis_actions
from hms.clinical.models import Encounter, Prescription
from hms.clinical.prescriptions import actions as prescription_actions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.errors import Conflict, DomainError
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.lab import actions as lab_actions
from hms.lab.models import LabOrder
from hms.patients.merging import actions as merge_actions
from hms.patients.models import Patient, PatientMerge
from hms.patients.records import actions as patient_actions
from hms.pharmacy.dispensing import actions as dispensing
from hms.pharmacy.dispensing import holds, returns
from hms.pharmacy.models import Dispense
from hms.staff.models import Role, RoleChangeRequest
from hms.staff.role_requests import actions as request_actions
from tests.appointments import factories as queue_factories
from tests.billing import factories as billing
from tests.clinical import factories as clinical
from tests.pharmacy import factories as pharmacy
from tests.staff import factories as staff

pytestmark = [pytest.mark.security("D"), pytest.mark.slow]

Who = Callable[[str], Any]
Pair = tuple[str, str]
_numbers = count(1)
REASON = {"override_code": "other", "override_reason": "Not in the list; explained to the patient"}


class Machine:
    """Makes records in each state and tries to reach each other state with every action that changes it."""

    model: Any
    not_by_action: frozenset[Pair] = frozenset()
    """Pairs of the table that only an import or a later desk writes."""

    def __init__(self, who: Who) -> None:
        self.who = who

    def make(self, state: str) -> Iterable[Callable[[], Any]]:
        raise NotImplementedError

    def tries(self, record: Any) -> dict[str, list[Callable[[], Any]]]:
        raise NotImplementedError

    def reached(self, record: Any, state: str) -> bool:
        return record.status == state


def add(row: Any) -> Any:
    with action_context("tests.seed", SYSTEM):
        database.session.add(row)
        database.session.flush()
    return row


class Appointments(Machine):
    model = Appointment

    def make(self, state):
        return [lambda: self._booking(state)]

    def _booking(self, state):
        doctor = queue_factories.doctor(f"dr.{next(_numbers)}")
        values = {"patient_id": queue_factories.patient().id, "doctor_id": doctor.id, "time": dt.time(9)}
        return add(Appointment(**values, date=clock.today(), duration_minutes=5, status=state, status_reason=""))

    def tries(self, record):
        admin = self.who("admin")

        def set_to(status):
            return [lambda: transitions.change_appointment_status(record.id, status, reason="Ill", by=admin)]

        later = {"date": clock.today() + dt.timedelta(days=9), "time": record.time}
        return {
            "scheduled": set_to("scheduled"),
            "checked_in": [*set_to("checked_in"), lambda: transitions.check_in(record.id, by=admin)],
            "in_service": set_to("in_service"),
            "completed": set_to("completed"),
            "cancelled": [*set_to("cancelled"), lambda: transitions.withdraw_appointment(record.id, by=admin)],
            "no_show": set_to("no_show"),
            "rescheduled": [lambda: booking_actions.move(record.id, **later, by=admin), *set_to("rescheduled")],
        }

    def reached(self, record, state):
        return record.rescheduled_from_id is not None if state == "rescheduled" else record.status == state


class QueueEntries(Machine):
    model = QueueEntry
    booked = {
        "waiting": "checked_in",
        "called": "checked_in",
        "in_service": "in_service",
        "done": "completed",
        "left": "no_show",
        "cancelled": "scheduled",
    }

    def make(self, state):
        return [lambda: self._entry(state), lambda: self._entry(state, is_booked=True)]

    def _entry(self, state, is_booked=False):
        booking = Appointments(self.who)._booking(self.booked[state]) if is_booked else None
        patient_id = booking.patient_id if booking else queue_factories.patient().id
        return queue_factories.waiting(patient_id, status=state, appointment_id=booking.id if booking else None)

    def tries(self, record):
        nurse = self.who("nurse")

        def book_as(status):
            return lambda: (
                record.appointment_id
                and transitions.change_appointment_status(record.appointment_id, status, reason="Ill", by=nurse)
            )

        return {
            "waiting": [
                lambda: queue_actions.undo_call(record.id, by=nurse),
                lambda: queue_actions.return_to_queue(record.id, by=nurse),
                book_as("checked_in"),
            ],
            "called": [lambda: queue_actions.call_patient(record.id, by=nurse)],
            "in_service": [lambda: queue_actions.start_service(record.id, by=nurse), book_as("in_service")],
            "done": [lambda: queue_actions.finish_service(record.id, by=nurse), book_as("completed")],
            "left": [lambda: queue_actions.mark_as_left(record.id, by=nurse), book_as("no_show")],
            "cancelled": [
                lambda: transitions.undo_check_in(record.id, by=nurse),
                book_as("cancelled"),
                book_as("scheduled"),
            ],
        }


class Encounters(Machine):
    model = Encounter

    def make(self, state):
        def made():
            doctor, admin = self.who("doctor"), self.who("admin")
            if state == "in_progress":
                opened = clinical.an_encounter(doctor, notes="Fever for two days.")
                diagnosis_actions.add_condition(opened.id, text="Fever", by=doctor)
                return opened
            signed = clinical.signed(doctor)
            return signed if state == "signed" else withdrawal.withdraw_encounter(signed.id, by=admin)

        def made_from_draft():
            opened = clinical.an_encounter(self.who("doctor"), notes="Fever for two days.")
            return withdrawal.withdraw_encounter(opened.id, by=self.who("admin"))

        return [made, made_from_draft] if state == "entered_in_error" else [made]

    def tries(self, record):
        doctor, admin = self.who("doctor"), self.who("admin")
        return {
            "in_progress": [
                lambda: diagnosis_actions.add_condition(record.id, text="Cough", by=doctor),
                lambda: withdrawal.restore_encounter(record.id, by=admin),
            ],
            "signed": [
                lambda: signing.sign(record.id, by=doctor),
                lambda: withdrawal.restore_encounter(record.id, by=admin),
            ],
            "entered_in_error": [lambda: withdrawal.withdraw_encounter(record.id, by=admin)],
        }


class Prescriptions(Machine):
    model = Prescription

    def make(self, state):
        doctor, chemist = self.who("doctor"), self.who("pharmacist")
        return {
            "draft": [self._draft],
            "active": [self._ordered],
            "part_dispensed": [lambda: self._given(10)],
            "on_hold": [
                lambda: holds.hold(self._ordered().id, reason="Ask", by=chemist),
                lambda: holds.hold(self._given(10).id, reason="Ask", by=chemist),
            ],
            "completed": [
                lambda: self._given(21),
                lambda: holds.close(self._ordered().id, reason="Not collected", by=chemist),
            ],
            "stopped": [
                lambda: prescription_actions.stop_prescription(self._ordered().id, text="Rash", by=doctor),
                lambda: prescription_actions.stop_prescription(self._given(10).id, text="Rash", by=doctor),
            ],
            "entered_in_error": [
                lambda: withdrawal.withdraw_prescription(self._ordered().id, by=self.who("admin")),
                *(lambda make=make: self._withdrawn_with_encounter(make) for make in self._never_dispensed()),
            ],
        }[state]

    def _never_dispensed(self):
        doctor, chemist = self.who("doctor"), self.who("pharmacist")
        return (
            self._draft,
            self._ordered,
            lambda: holds.hold(self._ordered().id, reason="Ask", by=chemist),
            lambda: holds.close(self._ordered().id, reason="Not collected", by=chemist),
            lambda: prescription_actions.stop_prescription(self._ordered().id, text="Rash", by=doctor),
        )

    def _withdrawn_with_encounter(self, make):
        line = make()
        withdrawal.withdraw_encounter(line.encounter_id, by=self.who("admin"))
        return line

    def _draft(self):
        doctor = self.who("doctor")
        opened = clinical.an_encounter(doctor, notes="Fever for two days.")
        diagnosis_actions.add_condition(opened.id, text="Fever", by=doctor)
        return pharmacy.prescription(None, opened, status="draft", signed_at=None, **REASON)

    def _ordered(self):
        medicine = pharmacy.medicine(price=None)
        pharmacy.batch(medicine, 100)
        return pharmacy.prescription(medicine, pharmacy.encounter(pharmacy.patient(), self.who("doctor").id), 21)

    def _given(self, quantity):
        line = self._ordered()
        dispensing.dispense(line.id, quantity, by=self.who("pharmacist"))
        return line

    def tries(self, record):
        doctor, chemist, admin = self.who("doctor"), self.who("pharmacist"), self.who("admin")

        def give_back(quantity):
            given = database.session.query(Dispense.id).filter_by(prescription_id=record.id).scalar()
            if given:
                returns.return_dispensed(given, quantity or record.quantity_dispensed, "Unused", by=chemist)

        def resume():
            return holds.resume(record.id, by=chemist)

        def restore():
            return withdrawal.restore_encounter(record.encounter_id, by=admin)

        return {
            "draft": [restore],
            "active": [resume, lambda: give_back(0), lambda: signing.sign(record.encounter_id, by=doctor), restore],
            "on_hold": [lambda: holds.hold(record.id, reason="Ask", by=chemist), restore],
            "part_dispensed": [
                resume,
                lambda: give_back(1),
                lambda: dispensing.dispense(record.id, 1, by=chemist),
            ],
            "completed": [
                lambda: dispensing.dispense(record.id, record.quantity - record.quantity_dispensed, by=chemist),
                lambda: holds.close(record.id, reason="Not collected", by=chemist),
                restore,
            ],
            "stopped": [lambda: prescription_actions.stop_prescription(record.id, text="Rash", by=doctor), restore],
            "entered_in_error": [lambda: withdrawal.withdraw_prescription(record.id, by=admin)],
        }


class LabOrders(Machine):
    model = LabOrder

    def make(self, state):
        def made():
            doctor = self.who("doctor")
            order = lab_actions.order_test(clinical.an_encounter(doctor).id, code="HB", by=doctor)
            if state == "done":
                lab_actions.enter_results(order.id, {"HB": "13"}, by=self.who("lab"))
            elif state == "cancelled":
                withdrawal.withdraw_encounter(order.encounter_id, by=self.who("admin"))
            return order

        return [made]

    def tries(self, record):
        doctor, lab, admin = self.who("doctor"), self.who("lab"), self.who("admin")
        return {
            "waiting": [
                lambda: lab_actions.enter_results(record.id, {"HB": "12"}, reason="Typing error", by=lab),
                lambda: withdrawal.restore_encounter(record.encounter_id, by=admin),
            ],
            "done": [lambda: lab_actions.enter_results(record.id, {"HB": "11"}, reason="Typing error", by=lab)],
            "cancelled": [
                lambda: lab_actions.cancel_order(record.id, by=doctor),
                lambda: withdrawal.withdraw_encounter(record.encounter_id, by=admin),
            ],
        }


class Bills(Machine):
    model = Bill

    def make(self, state):
        return {
            "draft": [self._draft],
            "issued": [self._issued],
            "part_paid": [lambda: self._paid("40.00")],
            "paid": [lambda: self._paid("100.00"), lambda: self._written_off(self._issued())],
            "void": [lambda: issuing.discard_draft(self._draft().id, reason="x", by=self.who("admin")), self._voided],
        }[state]

    def _draft(self):
        return billing.draft(billing.patient().id, "100.00")

    def _issued(self):
        return issuing.issue(self._draft().id, by=self.who("cashier"))

    def _paid(self, amount):
        bill = self._draft()
        payment_actions.take_payment(bill.id, Money(amount), "Cash", by=self.who("cashier"))
        return bill

    def _voided(self):
        bill = self._issued()
        self._void(bill)
        return bill

    def _void(self, bill):
        self._approve(correction_actions.request_void(bill.id, reason="twice", by=self.who("cashier")))

    def _written_off(self, bill):
        self._approve(correction_actions.request_write_off(bill.id, reason="poor", by=self.who("cashier")))
        return bill

    def _refund(self, bill, amount):
        payment = database.session.execute(
            text("SELECT id FROM payment WHERE bill_id = :id AND kind = 'payment'"), {"id": bill.id}
        ).scalar()
        if payment:
            money = Money(amount) if amount else None
            request = correction_actions.request_refund(payment, amount=money, reason="twice", by=self.who("cashier"))
            self._approve(request)

    def _approve(self, request):
        correction_actions.approve(request.id, by=self.who("admin"))

    def tries(self, record):
        cashier, admin = self.who("cashier"), self.who("admin")

        def pay(amount):
            return lambda: payment_actions.take_payment(record.id, Money(amount), "Cash", by=cashier)

        return {
            "draft": [],
            "issued": [lambda: issuing.issue(record.id, by=cashier), lambda: self._refund(record, None)],
            "part_paid": [pay("10.00"), lambda: self._refund(record, "10.00")],
            "paid": [pay("100.00"), pay("60.00"), lambda: self._written_off(record)],
            "void": [lambda: issuing.discard_draft(record.id, reason="x", by=admin), lambda: self._void(record)],
        }


class Corrections(Machine):
    model = Correction

    def make(self, state):
        def made():
            bill = billing.draft(billing.patient().id, "100.00")
            request = correction_actions.request_void(bill.id, reason="twice", by=self.who("cashier"))
            for change in self.tries(request)[state]:
                change()
            return request

        return [made]

    def tries(self, record):
        cashier, admin = self.who("cashier"), self.who("admin")
        return {
            "waiting": [],
            "approved": [lambda: correction_actions.approve(record.id, by=admin)],
            "declined": [lambda: correction_actions.decline(record.id, reason="It is right", by=admin)],
            "withdrawn": [lambda: correction_actions.withdraw_request(record.id, by=cashier)],
            "ended": [lambda: issuing.discard_draft(record.bill_id, reason="twice", by=admin)],
        }


class RoleRequests(Machine):
    model = RoleChangeRequest

    def make(self, state):
        def made():
            user = staff.account(f"asks.{next(_numbers)}", "nurse")
            wanted = database.session.query(Role.id).filter_by(code="cashier").scalar()
            asks = staff.who(user.username)
            request = request_actions.request_role(requested_role_id=wanted, reason="New work", by=asks)
            for change in self.tries(request)[state][:1]:
                change()
            return request

        return [made]

    def tries(self, record):
        admin = self.who("admin")
        asks = staff.request_user.load_active_person(record.user_id)
        return {
            "pending": [],
            "approved": [lambda: request_actions.approve_request(record.id, by=admin)],
            "rejected": [lambda: request_actions.reject_request(record.id, by=admin)],
            "withdrawn": [
                lambda: request_actions.withdraw_request(record.id, by=asks),
                lambda: request_actions.archive_request(record.id, by=admin),
            ],
        }


class Patients(Machine):
    model = Patient

    def make(self, state):
        def made():
            patient = pharmacy.patient()
            if state == "withdrawn":
                patient_actions.withdraw_patient(patient.id, by=self.who("admin"))
            elif state == "merged":
                self._merge(patient.id)
            return patient

        return [made]

    def tries(self, record):
        admin = self.who("admin")
        return {
            "active": [
                lambda: patient_actions.restore_patient(record.id, by=admin),
                lambda: self._separate(record.id),
            ],
            "withdrawn": [lambda: patient_actions.withdraw_patient(record.id, by=admin)],
            "merged": [lambda: self._merge(record.id)],
        }

    def _merge(self, patient_id):
        asked = merge_actions.request_merge(
            pharmacy.patient().id, patient_id, reason="Registered twice", by=self.who("nurse")
        )
        merge_actions.approve(asked.id, by=self.who("admin"))

    def _separate(self, patient_id):
        merges = database.session.query(PatientMerge).filter_by(merged_id=patient_id, status="approved")
        for merge in merges:
            asked = merge_actions.request_separation(merge.id, reason="Two people", by=self.who("nurse"))
            merge_actions.approve(asked.id, by=self.who("admin"))


class Merges(Machine):
    model = PatientMerge

    def make(self, state):
        def made():
            request = merge_actions.request_merge(
                pharmacy.patient().id, pharmacy.patient().id, reason="Registered twice", by=self.who("nurse")
            )
            for change in self.tries(request)[state]:
                change()
            return request

        return [made]

    def tries(self, record):
        admin, nurse = self.who("admin"), self.who("nurse")
        return {
            "waiting": [],
            "approved": [lambda: merge_actions.approve(record.id, by=admin)],
            "declined": [lambda: merge_actions.decline(record.id, reason="Two people", by=admin)],
            "withdrawn": [lambda: merge_actions.withdraw_request(record.id, by=nurse)],
        }


MACHINES = (
    Appointments,
    QueueEntries,
    Encounters,
    Prescriptions,
    LabOrders,
    Bills,
    Corrections,
    RoleRequests,
    Patients,
    Merges,
)


def pairs_of(model: Any) -> set[Pair]:
    return {(str(old), str(new)) for old, following in model.transitions.items() for new in following}


@pytest.mark.parametrize("kind", MACHINES, ids=lambda kind: kind.model.__tablename__)
def test_actions_reach_exactly_the_states_of_the_table(kind, db, person):
    machine, reached = kind(person), set()
    states = [str(state) for state in kind.model.transitions]
    for old in states:
        for make in machine.make(old):
            for new in states:
                for nth in range(len(machine.tries(make())[new])):
                    record = make()
                    assert record.status == old
                    with suppress(DomainError):
                        machine.tries(record)[new][nth]()
                    db.session.refresh(record)
                    reached |= {(old, new)} if new != old and machine.reached(record, new) else set()
    assert reached == pairs_of(kind.model) - kind.not_by_action


@pytest.mark.parametrize("kind", MACHINES, ids=lambda kind: kind.model.__tablename__)
def test_the_database_refuses_every_other_change(kind, db, person):
    machine, states = kind(person), [str(state) for state in kind.model.transitions]
    legal = pairs_of(kind.model)
    for old in states:
        record = next(iter(machine.make(old)))()
        assert record.status == old
        for new in states:
            if old != new and (old, new) not in legal:
                with pytest.raises(DBAPIError) as refused:
                    _write_state(record, new)
                assert refused.value.orig.diag.constraint_name in ("status_change", "permanent", "needs_approval")


def _write_state(record: Any, state: str) -> None:
    with database.session.begin_nested():
        table = record.__table__
        database.session.execute(table.update().where(table.c.id == record.id).values(status=state))


def test_the_database_has_the_tables_of_the_desks(db):
    models = {mapper.class_.__tablename__: mapper.class_ for mapper in database.Model.registry.mappers}
    with_table = {name: model for name, model in models.items() if hasattr(model, "transitions")}
    stored = db.session.execute(
        text(
            "SELECT c.relname, encode(t.tgargs, 'escape') FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgname = 'status_change'"
        )
    )
    held = {name: json.loads(arguments.removesuffix("\\000")) for name, arguments in stored}
    assert held == {
        name: {str(old): sorted(map(str, new)) for old, new in model.transitions.items()}
        for name, model in with_table.items()
    }


def test_a_state_is_changed_in_one_place_only():
    """`set_status` compares with the table; an assignment elsewhere would not. Offline entries keep an HTTP status."""
    root, found = Path(hms.__file__).parent, set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for target in node.targets if isinstance(node, ast.Assign) else ():
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                if any(isinstance(part, ast.Attribute) and part.attr == "status" for part in parts):
                    found.add(str(path.relative_to(root)))
    assert found == {"core/db/status.py", "interop/offline/actions.py"}


@pytest.mark.parametrize("table", ["appointment", "queue_entry", "encounter", "bill"])
def test_nothing_new_is_written_for_a_withdrawn_patient(table, db, person):
    patient = pharmacy.patient()
    patient_actions.withdraw_patient(patient.id, by=person("admin"))
    rows = {
        "appointment": Appointment(doctor_id=person("doctor").id, date=clock.today(), time=dt.time(1)),
        "queue_entry": QueueEntry(service_date=clock.today(), token=9999, arrived_at=clock.now()),
        "encounter": Encounter(doctor_id=person("doctor").id, started_at=clock.now()),
        "bill": Bill(),
    }
    rows[table].patient_id = patient.id
    with pytest.raises(Conflict) as refused:
        add(rows[table])
    assert refused.value.code == "patient_withdrawn"
