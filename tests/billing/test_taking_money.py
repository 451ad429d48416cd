"""Issuing, payments and the till, also from many windows at the same time."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from psycopg import OperationalError
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from hms.billing.bills import actions as bill_actions
from hms.billing.bills import charges, issuing
from hms.billing.enums import Method
from hms.billing.models import Bill, BillLine, CashShift, Payment
from hms.billing.payments import actions as payment_actions
from hms.billing.tills import actions as till_actions
from hms.core.actions import action_context
from hms.core.background.outbox import Outbox
from hms.core.db.session import db as database
from hms.core.errors import Conflict, RuleBroken
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from tests.billing import factories


def draft(*prices: str) -> Bill:
    return factories.draft(factories.patient().id, *prices)


def test_an_issued_bill_has_a_number_and_does_not_change(db, person):
    bill = draft("150.00", "40.00")
    issuing.issue(bill.id, by=person("cashier"))
    assert bill.number.startswith("B-20")
    assert bill.number.endswith("-000001")
    assert (bill.status, bill.total, bill.collects) == ("issued", Money("190.00"), False)
    assert bill.frozen["patient"]["spoken_name"] == "Kadiatu Kamara"
    assert database.session.scalars(select(Outbox.ref_id).filter_by(kind="billing.invoice")).all() == [bill.id]
    with pytest.raises(RuleBroken):
        bill_actions.add_line(bill.id, item="Late", unit_price=Money("1.00"), by=person("cashier"))
    line = database.session.scalars(select(BillLine).filter_by(bill_id=bill.id)).first()
    with pytest.raises(Conflict, match="cannot be changed"), action_context("tests.cheat", SYSTEM):
        database.session.execute(text("UPDATE bill_line SET amount = 1 WHERE id = :id"), {"id": line.id})
    with pytest.raises(Conflict, match="cannot be changed"), action_context("tests.cheat", SYSTEM):
        database.session.execute(text("UPDATE bill SET total = 1 WHERE id = :id"), {"id": bill.id})


def test_an_issued_bill_keeps_the_patients_name(db, person):
    bill = draft("10.00")
    issuing.issue(bill.id, by=person("cashier"))
    with action_context("tests.marry", SYSTEM):
        database.session.execute(
            text("UPDATE patient SET family_name = 'Sesay' WHERE id = :id"), {"id": bill.patient_id}
        )
    database.session.expire_all()
    assert database.session.get(Bill, bill.id).frozen["patient"]["family_name"] == "Kamara"


def test_charges_after_the_issue_start_a_new_draft(db, person):
    kadiatu = factories.patient()
    charge = {"description": "Item", "unit_price": Money("5.00"), "by": person("doctor")}
    first = charges.add_charge(kadiatu.id, source="encounter", source_id=1, **charge)
    issuing.issue(first.bill_id, by=person("cashier"))
    second = charges.add_charge(kadiatu.id, source="encounter", source_id=2, **charge)
    assert second.bill_id != first.bill_id


def test_an_empty_draft_is_not_issued(db, person):
    bill = bill_actions.create_bill(factories.patient().id, by=person("cashier"))
    with pytest.raises(RuleBroken, match="at least one line"):
        issuing.issue(bill.id, by=person("cashier"))


def test_a_part_payment_and_the_rest(db, person):
    bill = draft("190.00")
    first = payment_actions.take_payment(bill.id, Money("100.00"), "Cash", tendered=Money("200"), by=person("cashier"))
    assert (bill.number[:2], bill.status, bill.paid) == ("B-", "part_paid", Money("100.00"))
    rest = payment_actions.take_payment(bill.id, Money("90.00"), "momo", "OM-77123", by=person("cashier"))
    assert (bill.status, rest.method, rest.tendered) == ("paid", "Mobile Money", None)
    assert [p.number[-6:] for p in (first, rest)] == ["000001", "000002"]
    assert first.shift_id == rest.shift_id is not None


@pytest.mark.parametrize(
    ("payment", "field"),
    [
        ({"amount": "190.01", "method": "Cash"}, "amount"),
        ({"amount": "0", "method": "Cash"}, "amount"),
        ({"amount": "-5", "method": "Cash"}, "amount"),
        ({"amount": "5", "method": "Card"}, "reference"),
        ({"amount": "5", "method": "Cheque"}, "method"),
        ({"amount": "50", "method": "Cash", "tendered": "20"}, "tendered"),
        ({"amount": "50", "method": "Card", "tendered": "60", "reference": "1234"}, "tendered"),
    ],
)
def test_invalid_payments_are_refused(db, person, payment, field):
    bill = draft("190.00")
    arguments = {key: Money(value) if key in ("amount", "tendered") else value for key, value in payment.items()}
    with pytest.raises(RuleBroken) as refusal:
        payment_actions.take_payment(bill.id, **arguments, by=person("cashier"))
    assert refusal.value.field == field
    database.session.expire_all()
    assert database.session.get(Bill, bill.id).status == "draft", "a refused payment issues nothing"


@pytest.mark.security("N")
def test_a_payment_is_never_changed(db, person):
    payment = payment_actions.take_payment(draft("10.00").id, Money("10.00"), "Cash", by=person("cashier"))
    with pytest.raises(Conflict, match="cannot be changed"), action_context("tests.cheat", SYSTEM):
        database.session.execute(text("UPDATE payment SET amount = 1 WHERE id = :id"), {"id": payment.id})


def test_the_events_of_a_voided_draft_can_be_charged_again(db, person):
    kadiatu = factories.patient()
    charge = {"description": "X", "unit_price": Money("5.00"), "source": "dispense", "source_id": 9}
    line = charges.add_charge(kadiatu.id, **charge, by=person("pharmacist"))
    issuing.discard_draft(line.bill_id, reason="made twice", by=person("admin"))
    again = charges.add_charge(kadiatu.id, **charge, by=person("pharmacist"))
    assert again.bill_id != line.bill_id


def test_a_till_with_a_difference_is_closed_with_a_reason(db, person):
    cashier = person("cashier")
    till_actions.open_till(Money("50.00"), by=cashier)
    with pytest.raises(Conflict, match="already open"):
        till_actions.open_till(Money("50.00"), by=cashier)
    bill = draft("200.00")
    payment_actions.take_payment(bill.id, Money("130.00"), "Cash", by=cashier)
    payment_actions.take_payment(bill.id, Money("70.00"), "Card", "4711-22", by=cashier)
    with pytest.raises(RuleBroken, match="Enter the cash"):
        till_actions.count_till({}, None, {Method.CARD: Money("70.00")}, by=cashier)
    with pytest.raises(RuleBroken, match="Patients paid this way"):
        till_actions.count_till({Decimal(20): 8}, by=cashier)
    till_actions.count_till({Decimal(20): 8}, Money("10.00"), {Method.CARD: Money("70.00")}, by=cashier)
    shift = till_actions.count_till({Decimal(20): 8}, Money("10.00"), {Method.CARD: Money("70.00")}, by=cashier)
    with pytest.raises(Conflict, match="counted twice"):
        till_actions.count_till({Decimal(20): 9}, by=cashier)
    assert [(d.method.value, str(d.difference)) for d in till_actions.differences(shift)] == [
        ("Cash", "-10.00"),
        ("Card", "0.00"),
    ]
    with pytest.raises(RuleBroken, match="enter the reason"):
        till_actions.close_till(by=cashier)
    with pytest.raises(RuleBroken, match="is already counted"):
        payment_actions.take_payment(draft("5.00").id, Money("5.00"), "Cash", by=cashier)
    till_actions.close_till("gave wrong change", by=cashier)
    assert shift.number.startswith("Z-")
    with pytest.raises(Conflict, match="cannot be changed"), action_context("tests.cheat", SYSTEM):
        database.session.execute(text("UPDATE cash_shift SET counted = '{}' WHERE id = :id"), {"id": shift.id})


def test_with_the_setting_off_the_cashier_opens_the_till_first(db, person):
    settings.change_setting("billing.open_till_by_itself", False, by=person("admin"))
    bill = draft("5.00")
    with pytest.raises(RuleBroken, match="till is closed"):
        payment_actions.take_payment(bill.id, Money("5.00"), "Cash", by=person("cashier"))
    till_actions.open_till(by=person("cashier"))
    payment_actions.take_payment(bill.id, Money("5.00"), "Cash", by=person("cashier"))


@pytest.mark.security("N")
def test_of_eight_simultaneous_payments_of_60_on_a_bill_of_100_one_is_taken(real_app):
    bill_id = draft("100.00").id

    def pay(_window: int) -> str:
        with real_app.app_context():
            try:
                return payment_actions.take_payment(bill_id, Money("60.00"), "Cash", by=SYSTEM).number
            except RuleBroken as refusal:
                return refusal.code

    with ThreadPoolExecutor(8) as windows:
        answers = list(windows.map(pay, range(8)))
    assert sorted(answers)[1:] == ["more_than_due"] * 7
    assert database.session.execute(select(Bill.paid, Bill.status)).one() == (Money("60.00"), "part_paid")
    assert database.session.execute(select(func.count(Payment.id))).scalar_one() == 1


class Killed(Exception):
    """A transaction that fails before its end."""


@pytest.mark.security("N")
def test_simultaneous_issues_leave_no_gap_in_the_numbers_when_some_fail(real_app):
    """Of 40 transactions, five roll back after taking their number and five lose their connection then."""
    ids = [draft("10.00").id for _ in range(40)]
    fates = itertools.cycle(["", "", "", "", "", "", "roll back", "kill"])

    def run(task: tuple[int, str]) -> None:
        bill_id, fate = task
        with real_app.app_context():
            try:
                _issue(bill_id, fate)
            except (Killed, DBAPIError, OperationalError):
                database.session.remove()

    with ThreadPoolExecutor(20) as windows:
        list(windows.map(run, zip(ids, fates, strict=False)))
    database.session.rollback()
    numbers = sorted(n for n in database.session.scalars(select(Bill.number)) if n)
    assert [int(n[-6:]) for n in numbers] == list(range(1, 31))


def _issue(bill_id: int, fate: str) -> None:
    for _ in range(20):
        try:
            with action_context("tests.issue", SYSTEM):
                issuing.issue(bill_id, by=SYSTEM)
                if fate == "kill":
                    _kill_my_connection()
                if fate:
                    raise Killed
            return
        except Conflict as busy:
            if busy.code != "busy":
                raise


def _kill_my_connection() -> None:
    pid = database.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with database.engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})


@pytest.mark.security("N")
def test_two_windows_of_one_cashier_share_one_till(real_app):
    ids = [draft("10.00").id for _ in range(6)]
    with real_app.app_context():
        from hms.staff import request_user
        from hms.staff.models import User

        cashier = request_user.load_active_person(
            database.session.scalars(select(User.id).filter_by(username="cashier")).one()
        )

    def pay(bill_id: int) -> None:
        with real_app.app_context():
            payment_actions.take_payment(bill_id, Money("10.00"), "Cash", by=cashier)

    with ThreadPoolExecutor(6) as windows:
        list(windows.map(pay, ids))
    assert database.session.execute(select(func.count(CashShift.id))).scalar_one() == 1
