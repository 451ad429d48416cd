import random
from decimal import Decimal

import pytest

from hms.billing.bills import rules as bill_rules
from hms.billing.bills.rules import Line
from hms.billing.corrections import rules as correction_rules
from hms.billing.enums import BillState
from hms.core.errors import RuleBroken
from hms.core.money import ZERO, Money

VISIT = [Line(Money("150.00")), Line(Money("0.50"), 40), Line(Money("20.00"))]


def test_the_bill_of_one_visit():
    totals = bill_rules.totals(VISIT, Money("10.00"), [Money("100.00")])
    assert (str(totals.subtotal), str(totals.total), str(totals.balance)) == ("190.00", "180.00", "80.00")


def test_a_bill_always_adds_up():
    dice = random.Random(6)
    for _ in range(300):
        lines = [
            Line(Money(Decimal(dice.randrange(100000)) / 100), dice.randrange(1, 50)) for _ in range(dice.randrange(9))
        ]
        by_cents = sum(int(line.unit_price.value * 100) * line.quantity for line in lines)
        payments = [Money(Decimal(dice.randrange(5000)) / 100) for _ in range(dice.randrange(4))]
        totals = bill_rules.totals(lines, ZERO, payments)
        assert int(totals.total.value * 100) == by_cents
        assert totals.paid + totals.balance == totals.total


@pytest.mark.parametrize(
    ("total", "paid", "credited", "state"),
    [
        ("190.00", "0.00", "0.00", BillState.ISSUED),
        ("190.00", "0.01", "0.00", BillState.PART_PAID),
        ("190.00", "189.99", "0.00", BillState.PART_PAID),
        ("190.00", "190.00", "0.00", BillState.PAID),
        ("190.00", "90.00", "100.00", BillState.PAID),
        ("190.00", "0.00", "190.00", BillState.PAID),
        ("190.00", "190.00", "50.00", BillState.PAID),
        ("190.00", "0.00", "189.99", BillState.ISSUED),
        ("0.00", "0.00", "0.00", BillState.PAID),
    ],
)
def test_the_state_follows_the_money(total, paid, credited, state):
    assert bill_rules.state(Money(total), Money(paid), Money(credited)) is state


@pytest.mark.parametrize(
    ("description", "price", "quantity", "field"),
    [
        (" ", "1.00", 1, "description"),
        ("MP film", "-0.01", 1, "amount"),
        ("MP film", "1.00", 0, "quantity"),
        ("MP film", "1.00", -1, "quantity"),
        ("MP film", "1.00", 100_001, "quantity"),
        ("MP film", "1.00", True, "quantity"),
        ("MP film", "1.00", 1.5, "quantity"),
        ("MP film", "1.00", "1", "quantity"),
        ("MP film", "1000.00", 100_000, "quantity"),
    ],
)
def test_invalid_lines_are_refused(description, price, quantity, field):
    with pytest.raises(RuleBroken) as refusal:
        bill_rules.check_line(description, Money(price), quantity)
    assert refusal.value.field == field


def test_lines_at_the_limits():
    assert bill_rules.check_line("Free", ZERO, 1) == ZERO
    assert bill_rules.check_line("Swab", Money("999.99"), 100_000) == Money("99999000.00")


def test_a_bill_above_the_limit_is_refused():
    with pytest.raises(RuleBroken):
        bill_rules.totals([Line(Money("99999999.99"))] * 2)


def test_only_a_draft_with_lines_is_issued():
    assert bill_rules.check_issue(BillState.DRAFT, VISIT).total == Money("190.00")
    for state in set(BillState) - {BillState.DRAFT}:
        with pytest.raises(RuleBroken):
            bill_rules.check_issue(state, VISIT)
        with pytest.raises(RuleBroken):
            bill_rules.check_editable(state)
    with pytest.raises(RuleBroken):
        bill_rules.check_issue(BillState.DRAFT, [])
    with pytest.raises(RuleBroken):
        bill_rules.check_issue(BillState.DRAFT, VISIT, Money("190.01"))
    bill_rules.check_editable(BillState.DRAFT)


def test_void_only_without_money_and_with_a_reason():
    bill_rules.check_void(BillState.ISSUED, ZERO, "wrong patient")
    for state, paid, reason in [
        (BillState.VOID, ZERO, "x"),
        (BillState.PART_PAID, Money("1.00"), "x"),
        (BillState.ISSUED, ZERO, " "),
    ]:
        with pytest.raises(RuleBroken):
            bill_rules.check_void(state, paid, reason)


def test_no_more_is_written_off_than_is_owed():
    correction_rules.check_write_off(Money("40.00"), BillState.PART_PAID, Money("40.00"))
    for amount, state in [
        ("40.01", BillState.ISSUED),
        ("0.00", BillState.ISSUED),
        ("-1.00", BillState.ISSUED),
        ("1.00", BillState.DRAFT),
        ("1.00", BillState.VOID),
        ("1.00", BillState.PAID),
    ]:
        with pytest.raises(RuleBroken):
            correction_rules.check_write_off(Money(amount), state, Money("40.00"))


@pytest.mark.parametrize(
    ("typed", "amount"),
    [("10", "10.00"), ("10%", "19.00"), ("7.5 %", "14.25"), ("0", "0.00"), ("100%", "190.00"), ("190", "190.00")],
)
def test_discounts_as_typed(typed, amount):
    assert bill_rules.parse_discount(typed, Money("190.00")) == Money(amount)


@pytest.mark.parametrize(
    "typed", ["", "%", "-1", "-5%", "190.01", "100.01%", "ten", "10%%", "1e2", "NaN", "٣", "999999999999%"]
)
def test_invalid_discounts_are_refused(typed):
    with pytest.raises(RuleBroken) as refusal:
        bill_rules.parse_discount(typed, Money("190.00"))
    assert refusal.value.field == "discount"


def test_a_discount_above_the_limit_needs_approval():
    limit = Decimal(10)
    assert not bill_rules.is_above_limit(Money("19.00"), Money("190.00"), limit)
    assert bill_rules.is_above_limit(Money("19.01"), Money("190.00"), limit)
    assert bill_rules.is_above_limit(Money("0.01"), Money("190.00"), Decimal(0))
    with pytest.raises(RuleBroken):
        correction_rules.check_approver(7, 7)
    correction_rules.check_approver(7, 8)


def test_payer_and_patient_share_to_the_cent():
    dice = random.Random(8)
    for _ in range(300):
        total, rate = Money(Decimal(dice.randrange(10**6)) / 100), Decimal(dice.randrange(-500, 12000)) / 100
        patient, payer = bill_rules.split_total(total, rate)
        assert patient + payer == total
        assert ZERO <= payer <= total
