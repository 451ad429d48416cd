"""`flask prove` finds money or stock that was changed without HMS, and documents that differ from the books."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from hms.billing.bills import actions as bill_actions
from hms.billing.bills import issuing
from hms.billing.corrections import actions as correction_actions
from hms.billing.documents.jobs import print_invoice
from hms.billing.enums import Method
from hms.billing.payments import actions as payment_actions
from hms.billing.tills import actions as till_actions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.formulary.models import Medication
from hms.patients.models import Patient
from hms.pharmacy.receiving import actions as pharmacy
from hms.reports import reconciliation
from hms.reports.commands import prove


@pytest.fixture
def hospital(db, person):
    """The records of one day: a medicine in stock; bills that are part paid, partly refunded, void, written off; a closed
    till and an open one; the documents of the day."""
    cashier, admin = person("cashier"), person("admin")
    with action_context("tests.seed", SYSTEM):
        patient = Patient(hospital_number="HMS-1", number=1, given_names="Isatu", sex="female")
        medicine = Medication(name="paracetamol", generic_name="paracetamol", unit="tablet")
        db.session.add_all([patient, medicine])
        db.session.flush()
        pharmacy.receive_goods("Stores", "INV-1", [pharmacy.Received(medicine.id, "A1", "1230", 100)], by=SYSTEM)
    patient_id = patient.id

    def bill(amount: str) -> int:
        items = [{"description": "Visit", "unit_price": Money(amount), "quantity": 1}]
        return bill_actions.create_bill(patient_id, items=items, by=cashier).id

    till_actions.open_till(Money("20.00"), by=cashier)
    first, second, third, void, draft = (bill(amount) for amount in ("150.00", "80.00", "70.00", "60.00", "50.00"))
    paid = payment_actions.take_payment(first, Money("50.00"), "Cash", by=cashier)
    payment_actions.take_payment(second, Money("80.00"), "Card", "TX-1234", by=cashier)
    issuing.issue(void, by=cashier)
    payment_actions.take_payment(third, Money("40.00"), "Cash", by=SYSTEM)
    asked = [
        correction_actions.request_refund(paid.id, amount=Money("5.00"), reason="Not done", by=cashier),
        correction_actions.request_void(void, reason="Written twice", by=cashier),
        correction_actions.request_write_off(third, reason="Poor", by=cashier),
    ]
    for one in asked:
        correction_actions.approve(one.id, by=admin)
    issuing.discard_draft(draft, reason="Never came", by=admin)
    with action_context("tests.print", SYSTEM):
        print_invoice(first)
    till_actions.count_till({}, Money("65.00"), {Method.CARD: Money("80.00")}, by=cashier)
    till_actions.close_till(by=cashier)
    payment_actions.take_payment(first, Money("10.00"), "Cash", by=cashier)


def test_records_written_by_actions_have_no_discrepancy(hospital):
    assert list(reconciliation.find_discrepancies()) == []
    assert list(reconciliation.find_discrepancies(clock.today())) == []


LATE = (
    "INSERT INTO payment (number, bill_id, kind, amount, method, reference, note, received_at, received_by_id, shift_id)"
    " SELECT 'R-2099-000001', b.id, 'payment', 1, 'Cash', '', '', now() + interval '1 hour', s.cashier_id, s.id"
    " FROM cash_shift s, bill b WHERE s.closed_at IS NOT NULL AND b.status = 'part_paid'"
)
TAMPERINGS = [
    ("UPDATE bill SET paid = 60 WHERE paid = 55", "paid amount"),
    ("UPDATE bill SET total = 140, discount = 10 WHERE total = 150", "or the discount in a bill's snapshot"),
    ("UPDATE bill SET total = 140 WHERE total = 150", "not the sum of its lines"),
    ("UPDATE bill SET status = 'paid' WHERE status = 'part_paid'", "state"),
    ("UPDATE bill SET written_off = 20, status = 'part_paid' WHERE written_off = 30", "written off"),
    ("UPDATE bill SET frozen = NULL", "has no snapshot"),
    (
        "UPDATE bill SET voided_by_id = issued_by_id; DELETE FROM correction WHERE kind = 'void'",
        "voided without approval",
    ),
    ("UPDATE patient SET hospital_number = 'HMS-2'", "is not its patient"),
    ("DELETE FROM correction WHERE kind = 'write_off'", "written off"),
    ("UPDATE correction SET amount = 4 WHERE kind = 'refund'", "a refund is not the approved one"),
    ("UPDATE payment SET correction_id = NULL", "a refund is not the approved one"),
    (
        "UPDATE payment SET refunds_id = (SELECT min(id) FROM payment) + 1 WHERE kind = 'refund'",
        "refund is not the approved",
    ),
    ("UPDATE payment SET amount = 51 WHERE kind = 'refund'", "refunded than was paid"),
    ("DELETE FROM payment WHERE kind = 'refund'", "was not done"),
    ("UPDATE payment SET amount = 51 WHERE amount = 50", "not its float and its payments"),
    (LATE, "not its float and its payments"),
    (LATE, "a till that was not open"),
    (LATE, "has not reached"),
    ("UPDATE cash_shift SET float_amount = 10 WHERE closed_at IS NOT NULL", "not its float and its payments"),
    (
        'UPDATE cash_shift SET expected = \'{"Cash": "x"}\' WHERE closed_at IS NOT NULL',
        "not its float and its payments",
    ),
    ("UPDATE cash_shift SET expected = '[1]' WHERE closed_at IS NOT NULL", "not its float and its payments"),
    ("UPDATE cash_shift SET counted = NULL WHERE closed_at IS NOT NULL", "was not counted"),
    ("UPDATE cash_shift SET number = NULL WHERE closed_at IS NOT NULL", "has no number"),
    ("UPDATE cash_shift SET number = NULL WHERE closed_at IS NOT NULL", "numbers are missing"),
    (
        "UPDATE cash_shift SET counted = jsonb_set(counted, '{methods,Cash}', '\"60.00\"') WHERE closed_at IS NOT NULL",
        "difference without a reason",
    ),
    (
        "UPDATE cash_shift SET counted = jsonb_set(counted, '{pieces}', '{\"20\": 9}') WHERE closed_at IS NOT NULL",
        "notes and coins",
    ),
    ("UPDATE cash_shift SET closed_at = opened_at WHERE closed_at IS NOT NULL", "a till that was not open"),
    (
        "UPDATE cash_shift SET cashier_id = cashier_id + 1 WHERE closed_at IS NOT NULL",
        "not in a till of the person who took it",
    ),
    ("UPDATE payment SET shift_id = NULL WHERE amount = 10", "not in a till of the person who took it"),
    ("UPDATE number_series SET last_number = 9 WHERE series LIKE 'bill:%'", "numbers are missing"),
    ("UPDATE number_series SET last_number = 1 WHERE series LIKE 'bill:%'", "has not reached"),
    ("UPDATE bill SET number = left(number, 7) || '0000077' WHERE status = 'void'", "numbers are missing"),
    ("UPDATE payment SET number = left(number, 7) || '0000001' WHERE amount = 80", "on several documents"),
    (
        "UPDATE payment SET number = 'R' || substr(number, 2, 6) || '000009' WHERE kind = 'refund'",
        "another kind of document",
    ),
    ("UPDATE printed_document SET content = 'another'", "was changed after it was made"),
    ("UPDATE printed_document SET facts = jsonb_set(facts, '{total}', '\"1.00\"')", "number, patient or total"),
    ("UPDATE printed_document SET facts = jsonb_set(facts, '{number}', '\"B-1\"')", "number, patient or total"),
    (
        "UPDATE printed_document SET facts = jsonb_set(facts, '{hospital_number}', '\"HMS-9\"')",
        "number, patient or total",
    ),
    ("UPDATE printed_document SET facts = jsonb_set(facts, '{paid}', '\"1.00\"')", "shows other payments"),
    ("UPDATE printed_document SET ref_id = 987654321", "belongs to no bill"),
    ("UPDATE batch SET quantity = 99", "batch"),
    ("UPDATE medication SET current_stock = 7", "medicine"),
]


@pytest.mark.security("N")
def test_each_tampered_figure_is_reported_and_the_command_fails(app, db, hospital):
    db.session.execute(text("RESET ROLE"))
    db.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    db.session.execute(text("SET LOCAL session_replication_role = replica"))
    for index in ("uq_bill_number", "uq_payment_number", "uq_cash_shift_number"):
        db.session.execute(text(f"ALTER TABLE {index[3:-7]} DROP CONSTRAINT {index}"))
    for statement, description in TAMPERINGS:
        with db.session.begin_nested() as savepoint:
            db.session.execute(text(statement))
            discrepancies = list(reconciliation.find_discrepancies())
            assert any(description in line for line in discrepancies), (statement, discrepancies)
            savepoint.rollback()
    db.session.execute(text(TAMPERINGS[0][0]))
    result = app.test_cli_runner().invoke(prove)
    assert (result.exit_code, "paid amount" in result.output) == (1, True)
