"""Two records that an action takes together belong to one patient: every action, the importer, and the database."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, text

import hms
from hms.appointments.queue import transitions as appointments
from hms.billing.bills import actions as bill_actions
from hms.billing.bills import charges
from hms.billing.bills.charges import BillableEvent
from hms.billing.corrections import credits
from hms.clinical import copy_forward, signing
from hms.clinical.diagnoses import actions as diagnosis_actions
from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.models import Condition, Encounter, Prescription
from hms.clinical.prescriptions import actions as prescription_actions
from hms.clinical.problems import actions as problems
from hms.clinical.vitals import actions as vitals_actions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.errors import Conflict, NotFound, RuleBroken
from hms.core.money import Money
from hms.core.person import SYSTEM, Person
from hms.lab import actions as lab_actions
from hms.patients.consent import actions as consents
from hms.patients.contacts import actions as contacts
from hms.patients.documents import actions as documents
from hms.pharmacy.dispensing import actions as pharmacy
from tests.house.hospital import add, whole_record
from tests.interop.factories import imported
from tests.page import Page

pytestmark = [pytest.mark.security("D"), pytest.mark.slow]

NOT_OF_PATIENTS = {
    "appointments.add_to_point": "a service point is everybody's",
    "appointments.add_to_queue": "any doctor sees any patient",
    "appointments.add_to_waiting_list": "any doctor sees any patient",
    "appointments.book": "any doctor sees any patient",
    "appointments.book_from_waiting_list": "any doctor sees any patient",
    "appointments.make_screen": "doctors and service points are everybody's",
    "appointments.move": "any doctor sees any patient",
    "appointments.move_following": "any doctor sees any patient",
    "appointments.point_send_on": "doctors and service points are everybody's",
    "appointments.save_service_point": "service points and departments are everybody's",
    "appointments.send_on": "a service point is everybody's",
    "appointments.send_to": "any doctor sees any patient",
    "billing.add_line": "the price list is everybody's",
    "escalations.correct": "one value was wrong: of vitals, or of the laboratory",
    "clinical.apply_order_set": "an order set is of no patient",
    "patients.ask_for_form": "a text of consent is everybody's",
    "patients.record_consent": "a text of consent is everybody's",
    "patients.request_merge": "the two records are of one person, which another person must approve",
    "staff.assign_role": "a role is everybody's",
    "staff.end_one_of": "accounts are no patients; the session is looked for among the account's own",
}
"""Actions with several ids that need not belong to one patient, and why."""

Try = Callable[[SimpleNamespace, SimpleNamespace, Person], object]
"""Calls of each action with records of two patients, as a doctor, a nurse or a cashier."""

MIXED: dict[str, list[tuple[str, Try]]] = {
    "appointments.edit": [
        (
            "patient",
            lambda a, b, who: appointments.edit_appointment(a.appointment_id, patient_id=b.patient_id, by=who("admin")),
        )
    ],
    "billing.add_charge": [
        ("same_patient", lambda a, b, who: _charge(a.patient_id, "dispense", b.dispense_id, by=who("admin"))),
        ("encounter", lambda a, b, who: _charge(a.patient_id, "other", 1, encounter_id=b.visit, by=who("admin"))),
    ],
    "billing.add_charges": [
        ("same_patient", lambda a, b, who: _charges(a.patient_id, b.dispense_id, None, by=who("admin"))),
        ("encounter", lambda a, b, who: _charges(a.patient_id, a.dispense_id, b.visit, by=who("admin"))),
    ],
    "billing.create_bill": [
        ("encounter", lambda a, b, who: bill_actions.create_bill(a.patient_id, encounter_id=b.visit, by=who("cashier")))
    ],
    "billing.propose_credit": [
        (
            "line",
            lambda a, b, who: credits.request_credit(
                a.draft, b.draft_line, quantity=1, reason="Not done", by=who("cashier")
            ),
        )
    ],
    "billing.withdraw_line": [
        ("not_found", lambda a, b, who: bill_actions.withdraw_line(a.draft, b.draft_line, by=who("cashier")))
    ],
    "billing.restore_line": [
        ("not_found", lambda a, b, who: bill_actions.restore_line(a.draft, b.draft_line, by=who("cashier")))
    ],
    "clinical.answer_question": [
        ("not_found", lambda a, b, who: _answer("answer_query", b.prescription_id, a.visit, who("doctor"))),
    ],
    "clinical.stop_prescription": [
        ("not_found", lambda a, b, who: _answer("stop_prescription", b.prescription_id, a.visit, who("doctor"))),
    ],
    "clinical.begin_written": [
        (
            "appointment",
            lambda a, b, who: encounter_actions.start_encounter_with_texts(
                patient_id=a.patient_id, appointment_id=b.appointment_id, by=who("doctor")
            ),
        )
    ],
    "clinical.make_primary": [
        (
            "not_found",
            lambda a, b, who: diagnosis_actions.make_primary(b.diagnosis, encounter_id=a.visit, by=who("doctor")),
        )
    ],
    "clinical.record_vitals": [
        (
            "encounter",
            lambda a, b, who: vitals_actions.record_vitals(
                a.patient_id, encounter_id=b.visit, queue_entry_id=a.place, pulse="70", by=who("nurse")
            ),
        ),
        (
            "entry",
            lambda a, b, who: vitals_actions.record_vitals(
                a.patient_id, encounter_id=a.visit, queue_entry_id=b.place, pulse="70", by=who("nurse")
            ),
        ),
    ],
    "clinical.list_diagnosis": [
        ("not_found", lambda a, b, who: problems.list_diagnosis(b.diagnosis, encounter_id=a.visit, by=who("doctor"))),
    ],
    "clinical.remove_condition": [
        (
            "not_found",
            lambda a, b, who: diagnosis_actions.remove_condition(b.diagnosis, encounter_id=a.visit, by=who("doctor")),
        )
    ],
    "clinical.remove_prescription": [
        (
            "not_found",
            lambda a, b, who: prescription_actions.remove_prescription(b.order, encounter_id=a.visit, by=who("doctor")),
        )
    ],
    "clinical.save_encounter": [
        (
            "wrong_patient",
            lambda a, b, who: encounter_actions.save_encounter(
                a.visit, patient_id=b.patient_id, notes="x", by=who("doctor")
            ),
        ),
        (
            "appointment",
            lambda a, b, who: encounter_actions.save_encounter(
                a.visit, appointment_id=b.appointment_id, by=who("doctor")
            ),
        ),
    ],
    "clinical.set_certainty": [
        (
            "not_found",
            lambda a, b, who: diagnosis_actions.set_certainty(
                b.diagnosis, "confirmed", encounter_id=a.visit, by=who("doctor")
            ),
        )
    ],
    "clinical.sign": [
        ("wrong_patient", lambda a, b, who: signing.sign(a.visit, patient_id=b.patient_id, by=who("doctor")))
    ],
    "clinical.start_encounter": [
        (
            "entry",
            lambda a, b, who: encounter_actions.start_encounter(
                queue_entry_id=b.place, patient_id=a.patient_id, by=who("doctor")
            ),
        ),
        (
            "appointment",
            lambda a, b, who: encounter_actions.start_encounter(
                queue_entry_id=a.place, appointment_id=b.appointment_id, by=who("doctor")
            ),
        ),
        (
            "appointment",
            lambda a, b, who: encounter_actions.start_encounter(
                patient_id=a.patient_id, appointment_id=b.appointment_id, is_new=True, by=who("doctor")
            ),
        ),
    ],
    "lab.cancel_order": [
        ("not_found", lambda a, b, who: lab_actions.cancel_order(b.test, encounter_id=a.visit, by=who("doctor")))
    ],
    "patients.consent_in_error": [
        (
            "not_found",
            lambda a, b, who: consents.mark_as_error(a.patient_id, b.consent_id, reason="x", by=who("nurse")),
        )
    ],
    "patients.document_in_error": [
        (
            "not_found",
            lambda a, b, who: documents.mark_as_error(a.patient_id, b.document_id, reason="x", by=who("doctor")),
        )
    ],
    "patients.remove_phone": [
        ("not_found", lambda a, b, who: contacts.remove_phone(a.patient_id, b.phone_id, by=who("nurse")))
    ],
    "patients.remove_relative": [
        ("not_found", lambda a, b, who: contacts.remove_relative(a.patient_id, b.relative_id, by=who("nurse")))
    ],
    "patients.save_phone": [
        (
            "not_found",
            lambda a, b, who: contacts.save_phone(
                a.patient_id, number="+23276555999", phone_id=b.phone_id, by=who("nurse")
            ),
        )
    ],
    "patients.save_relative": [
        (
            "not_found",
            lambda a, b, who: contacts.save_relative(
                a.patient_id, name="Musa", relation="sibling", relative_id=b.relative_id, by=who("nurse")
            ),
        )
    ],
    "patients.withdraw_consent": [
        (
            "not_found",
            lambda a, b, who: consents.withdraw_consent(
                a.patient_id, b.consent_id, ended_on=clock.today(), reason="x", by=who("nurse")
            ),
        )
    ],
    # These take several records in a list.
    "clinical.take_over": [
        ("copy_rx", lambda a, b, who: _take_over(a, who("doctor"), prescriptions=(b.prescription_id,))),
        ("copy_dx", lambda a, b, who: _take_over(a, who("doctor"), conditions=(a.condition_id, b.condition_id))),
        ("copy_note", lambda a, b, who: _take_over(a, who("doctor"), notes=(b.encounter_id,))),
    ],
    "pharmacy.dispense_all": [
        (
            "not_found",
            lambda a, b, who: pharmacy.dispense_all(a.encounter_id, {b.prescription_id: 1}, by=who("pharmacist")),
        )
    ],
}
"""For each action that takes records of patients: the field or code of the refusal for records of two patients."""


def _charge(patient_id: int, source: str, source_id: int, *, encounter_id: int | None = None, by: Person) -> object:
    told = {"description": "Dressing", "unit_price": Money("1.00"), "encounter_id": encounter_id}
    return charges.add_charge(patient_id, source=source, source_id=source_id, **told, by=by)


def _charges(patient_id: int, dispense_id: int, encounter_id: int | None, *, by: Person) -> None:
    charges.add_charges(
        patient_id, "dispense", [BillableEvent(dispense_id, 1, None, "Dressing")], encounter_id=encounter_id, by=by
    )


def _answer(what: str, prescription_id: int, encounter_id: int, by: Person) -> object:
    return getattr(prescription_actions, what)(prescription_id, text="Given at home", encounter_id=encounter_id, by=by)


def _take_over(a: SimpleNamespace, by: Person, **ticked: tuple[int, ...]) -> object:
    return copy_forward.copy_forward(a.visit, copy_forward.CopySelection(**ticked), by=by)


@pytest.fixture
def two(db, person) -> tuple[SimpleNamespace, SimpleNamespace]:
    """Two patients with something at every desk, each in an open visit of the same doctor."""
    return tuple(_in_visit(whole_record(name), person("doctor"), person("cashier")) for name in ("Kamara", "Sesay"))


def _in_visit(ids: dict[str, int], doctor: Person, cashier: Person) -> SimpleNamespace:
    ids = {name: record_id for name, record_id in ids.items() if ":" not in name}
    place = appointments.add_to_queue(ids["patient_id"], by=SYSTEM)
    visit = encounter_actions.start_encounter(patient_id=ids["patient_id"], by=doctor)
    bill = bill_actions.create_bill(
        ids["patient_id"],
        items=[{"description": "Card", "unit_price": Money("1.00")}],
        encounter_id=visit.id,
        by=cashier,
    )
    return SimpleNamespace(
        **ids,
        place=place.id,
        visit=visit.id,
        diagnosis=diagnosis_actions.add_condition(visit.id, text="Malaria", by=doctor).id,
        order=prescription_actions.prescribe(visit.id, medication_name="Zinc syrup", by=doctor).id,
        test=lab_actions.order_test(visit.id, code="FBC", by=doctor).id,
        draft=bill.id,
        draft_line=database.session.scalars(
            text("SELECT id FROM bill_line WHERE bill_id = :id"), {"id": bill.id}
        ).one(),
    )


def actions() -> Iterator[tuple[str, list[str]]]:
    """Every action with its id parameters."""
    for module in pkgutil.walk_packages(hms.__path__, "hms."):
        if module.name.startswith(("hms.demo", "hms.local")):
            continue
        for function in vars(importlib.import_module(module.name)).values():
            if inspect.isfunction(function) and hasattr(function, "needs") and function.__module__ == module.name:
                taken = inspect.signature(function).parameters
                if "by" in taken:
                    yield function.audited_as, [one for one in taken if one.endswith("_id")]


def test_every_action_with_several_records_is_placed():
    several = {name for name, ids in actions() if len(ids) > 1}
    assert several - MIXED.keys() - NOT_OF_PATIENTS.keys() == set(), "say in this file how these are held"
    assert (MIXED.keys() | NOT_OF_PATIENTS.keys()) - {name for name, _ids in actions()} == set()
    assert NOT_OF_PATIENTS.keys() <= several


@pytest.mark.parametrize("name", MIXED)
def test_records_of_two_patients_are_refused(two, person, name):
    one, other = two
    for expected, act in MIXED[name]:
        with pytest.raises((RuleBroken, Conflict, NotFound)) as refusal:
            act(one, other, person)
        assert expected in (refusal.value.field, refusal.value.code), repr(refusal.value)


def test_the_database_holds_every_reference_between_records_of_patients(db):
    """A table of patients' records that names another one has the trigger, with that column."""
    rows = db.session.execute(
        text("SELECT tgrelid::regclass::text, tgargs FROM pg_trigger WHERE tgname = 'same_patient'")
    )
    held = {table: bytes(arguments).decode().split("\0")[:-1] for table, arguments in rows}
    tables = {name: table for name, table in db.metadata.tables.items() if "patient_id" in table.c}
    del tables["app_user"]  # an account is a patient's own or a member of staff's, who works with everybody
    for name, table in tables.items():
        named = [
            (key.parent.name, key.column.table.name) for key in table.foreign_keys if key.column.table.name in tables
        ]
        arguments = [part for pair in sorted(named) for part in pair]
        assert sorted(held.get(name, [])) == sorted(arguments), name
    assert "bill_line" in held


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bill SET encounter_id = :visit WHERE id = :draft",
        "UPDATE encounter SET appointment_id = :appointment_id WHERE id = :mine",
        "UPDATE encounter SET queue_entry_id = :place WHERE id = :mine",
        "UPDATE encounter SET patient_id = :patient_id WHERE id = :mine",
        "UPDATE bill SET patient_id = :patient_id WHERE id = :draft",
        "UPDATE condition SET encounter_id = :visit WHERE encounter_id = :mine",
        "INSERT INTO bill_line (bill_id, description, quantity, unit_price, amount, source, source_id, withdrawn_reason)"
        " VALUES (:draft, 'Test', 1, 1, 1, 'dispense', :dispense_id, '')",
    ],
)
def test_a_statement_of_ones_own_is_refused_too(two, statement):
    one, other = two
    values = vars(other) | {"draft": one.draft, "mine": one.visit}
    with pytest.raises(Conflict) as refusal, action_context("tests.cheat", SYSTEM):
        database.session.execute(text(statement), values)
    assert refusal.value.code in ("same_patient", "permanent")


def test_programs_hear_which_field_names_the_other_record(two, program):
    one, other = two
    sent = {"patient": one.patient_id, "encounter": other.visit, "items": []}
    answer = program("cashier").post("/api/bills/", json=sent)
    assert (answer.status_code, answer.get_json()["code"], len(answer.get_json()["encounter"])) == (
        400,
        "other_patient",
        1,
    )
    missing = program("cashier").post("/api/bills/", json=sent | {"encounter": 987_654_321})
    assert (missing.status_code, missing.get_json()) == (400, answer.get_json())
    assert program("cashier").post("/api/bills/", json=sent | {"encounter": one.visit}).status_code == 201
    sent = {"patient": one.patient_id, "appointment": other.appointment_id, "notes": "Well."}
    answer = program("doctor").post("/api/encounters/", json=sent)
    assert (answer.status_code, "appointment" in answer.get_json()) == (400, True)
    answer = program("doctor").put(f"/api/encounters/{one.visit}/", json={"appointment": other.appointment_id})
    assert (answer.status_code, "appointment" in answer.get_json()) == (400, True)
    for url, code in (
        ("/api/prescriptions/", ""),
        ("/api/lab_orders/", "ESR"),
        (f"/api/encounters/{other.visit}/add_lab_order/", "SICK"),
    ):
        named = {"encounter": other.visit, "patient": one.patient_id, "medication_name": "Zinc", "test_code": code}
        answer = program("doctor").post(url, json=named)
        assert (url, answer.status_code, "encounter" in answer.get_json()) == (url, 400, True)
        assert program("doctor").post(url, json=named | {"patient": other.patient_id}).status_code == 201
    answer = program("doctor").post(url, json={"encounter": one.visit, "test_code": "FBC"})
    assert (answer.status_code, "encounter" in answer.get_json()) == (400, True)
    refund = {"kind": "refund", "payment": one.payment_id, "bill": other.bill_id, "reason": "x"}
    answer = program("admin").post("/api/corrections/", json=refund)
    assert (answer.status_code, "bill" in answer.get_json()) == (400, True)


def test_a_page_stops_no_order_of_another_visit(two, desk):
    one, other = two
    doctor = desk("doctor")
    forms = Page(doctor.get(f"/encounters/{one.encounter_id}").get_data(as_text=True)).forms
    token = next(form["fields"]["csrf_token"] for form in forms if form["method"] == "post")
    stop = {"do": "stop", "text": "Not needed", "csrf_token": token}
    standing = text("SELECT status FROM prescription WHERE id = :id")
    for prescription_id, status, final_status in (
        (other.prescription_id, 404, "part_dispensed"),
        (one.prescription_id, 303, "stopped"),
    ):
        answer = doctor.post(f"/encounters/{one.encounter_id}/orders/{prescription_id}", data=stop)
        assert answer.status_code == status
        assert database.session.execute(standing, {"id": prescription_id}).scalar_one() == final_status


def test_an_import_leaves_out_what_names_the_visit_of_another(db, tmp_path):
    def line(**resource: Any) -> str:
        return json.dumps(resource)

    period = {"start": "2026-01-05T09:00:00+00:00", "end": "2026-01-05T09:30:00+00:00"}
    people = [
        line(resourceType="Patient", id=name, name=[{"family": name}], gender="female") for name in ("Ada", "Bea")
    ]
    visit = line(
        resourceType="Encounter", id="v", status="finished", subject={"reference": "Patient/Ada"}, period=period
    )
    about = {"code": {"text": "Malaria"}, "encounter": {"reference": "Encounter/v"}, "recordedDate": "2026-01-05"}
    conditions = [
        line(resourceType="Condition", id=f"of-{name}", subject={"reference": f"Patient/{name}"}, **about)
        for name in ("Ada", "Bea")
    ]
    file = tmp_path / "mixed.ndjson"
    file.write_text("\n".join([*people, visit, *conditions]))
    _summary, told = imported(file)
    assert any("its encounter is another patient's" in line for line in told), told
    rows = select(Condition.external_id, Encounter.patient_id == Condition.patient_id).join(
        Encounter, Encounter.id == Condition.encounter_id
    )
    assert database.session.execute(rows).all() == [("Condition/of-Ada", True)]


def test_a_prescription_without_an_encounter_stays_with_its_patient_too(two, program, person):
    """An imported one has none."""
    one, other = two
    written = {"medication_name": "Zinc", "prescriber_id": person("doctor").id, "status": "draft"}
    line = add(Prescription(patient_id=one.patient_id, **written))
    url = f"/api/prescriptions/{line.id}/"
    answer = program("doctor").put(url, json={"patient": other.patient_id, "medication_name": "Zinc"})
    assert (answer.status_code, "patient" in answer.get_json()) == (400, True)
