import pytest

from hms.billing import enums
from hms.billing.enums import BillState, Method
from hms.billing.payments import rules
from hms.core.errors import RuleBroken
from hms.core.money import ZERO, Money

DUE = Money("190.00")


@pytest.mark.parametrize(
    ("typed", "method"),
    [("Cash", Method.CASH), ("cash ", Method.CASH), ("MOBILE_MONEY", Method.MOBILE_MONEY),
     ("mobile money", Method.MOBILE_MONEY), ("Mobile-Money", Method.MOBILE_MONEY),
     ("momo", Method.MOBILE_MONEY), ("card", Method.CARD),
     ("INSURANCE", Method.INSURANCE),
     ("bank transfer", Method.BANK), ("Other", Method.OTHER)],
)  # fmt: skip
def test_payment_methods_in_any_spelling(typed, method):
    assert enums.parse_method(typed) is method


@pytest.mark.parametrize("typed", ["", None, "cheque", "cashh", "\x00", "💵", "x" * 9999])
def test_unknown_payment_methods(typed):
    with pytest.raises(RuleBroken) as refusal:
        enums.parse_method(typed)
    assert refusal.value.field == "method"


def test_every_payment_method_is_parsed():
    assert [enums.parse_method(m.value) for m in Method] == list(Method)
    assert [enums.parse_method(m.name) for m in Method] == list(Method)


@pytest.mark.parametrize(
    ("amount", "tendered", "change"),
    [("190.00", None, "0.00"), ("190.00", "190.00", "0.00"), ("190.00", "200.00", "10.00"), ("0.01", "500", "499.99")],
)
def test_cash_and_change(amount, tendered, change):
    cash = Money(tendered) if tendered else None
    assert rules.check_payment(Money(amount), DUE, Method.CASH, tendered=cash) == Money(change)


@pytest.mark.parametrize(
    ("amount", "method", "reference", "tendered", "field"),
    [
        ("0.00", Method.CASH, "", None, "amount"),
        ("-5.00", Method.CASH, "", None, "amount"),
        ("190.01", Method.CASH, "", None, "amount"),
        ("190.00", Method.CASH, "", "189.99", "tendered"),
        ("190.00", Method.CARD, "A1234", "200.00", "tendered"),
        ("190.00", Method.CARD, "", None, "reference"),
        ("190.00", Method.MOBILE_MONEY, " 123 ", None, "reference"),
        ("190.00", Method.CASH, "x" * 101, None, "reference"),
    ],
)
def test_payments_that_are_refused(amount, method, reference, tendered, field):
    with pytest.raises(RuleBroken) as refusal:
        rules.check_payment(Money(amount), DUE, method, reference, Money(tendered) if tendered else None)
    assert refusal.value.field == field


def test_too_much_is_refused_with_the_amount_left_to_pay():
    with pytest.raises(RuleBroken, match=r"190\.00") as refusal:
        rules.check_payment(Money("9999.00"), DUE, Method.CASH)
    assert refusal.value.code == "more_than_due"


def test_references_of_each_method():
    for method, shortest in rules.MIN_REFERENCE_LENGTH.items():
        assert rules.check_payment(DUE, DUE, method, "x" * shortest) == ZERO
        assert rules.check_payment(DUE, DUE, method, needs_reference=False) == ZERO
        with pytest.raises(RuleBroken):
            rules.check_payment(DUE, DUE, method, "x" * (shortest - 1))


def test_only_open_bills_are_paid():
    rules.check_payable(BillState.ISSUED)
    rules.check_payable(BillState.PART_PAID)
    codes = set()
    for state in (BillState.DRAFT, BillState.VOID, BillState.PAID):
        with pytest.raises(RuleBroken) as refusal:
            rules.check_payable(state)
        codes.add(refusal.value.code)
    assert codes == {"not_issued", "void", "paid"}


def test_a_refund_is_at_most_what_is_left_of_the_payment():
    rules.check_refund(Money("60.00"), Money("60.00"))
    for amount in ("60.01", "0.00", "-1.00"):
        with pytest.raises(RuleBroken):
            rules.check_refund(Money(amount), Money("60.00"))
