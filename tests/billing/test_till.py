from decimal import Decimal

import pytest

from hms.billing.enums import Method
from hms.billing.tills import rules
from hms.core.errors import RuleBroken
from hms.core.money import ZERO, Money


def test_the_value_of_counted_notes_and_coins():
    pieces = {Decimal(20): 21, Decimal(10): 8, Decimal("0.50"): 3}
    assert rules.count_cash(pieces, Money("0.75")) == Money("502.25")
    assert rules.count_cash({}) == ZERO


@pytest.mark.parametrize("n", [-1, 100_001, True, 1.5, "3", None])
def test_invalid_counts_are_refused(n):
    with pytest.raises(RuleBroken) as refusal:
        rules.count_cash({Decimal(20): n})
    assert refusal.value.field == "count"


def test_a_till_has_limits():
    assert rules.count_cash({Decimal(20000): 100_000}, Money("0.50")) == Money("2000000000.50")
    with pytest.raises(RuleBroken):
        rules.count_cash({Decimal(20000): 100_000}, Money("9999999999.99"))
    with pytest.raises(RuleBroken):
        rules.count_cash({}, Money("-0.01"))


def test_expected_counted_difference():
    takings = [(Method.CASH, Money("2400.00")), (Method.CASH, Money("-20.00")), (Method.MOBILE_MONEY, Money("640.00"))]
    due = rules.expected_amounts(Money("500.00"), takings)
    assert due == {Method.CASH: Money("2880.00"), Method.MOBILE_MONEY: Money("640.00")}
    rows = rules.differences(
        due, {Method.CASH: Money("2870.00"), Method.MOBILE_MONEY: Money("640.00"), Method.CARD: Money("5.00")}
    )
    assert [(r.method, str(r.difference)) for r in rows] == [
        (Method.CASH, "-10.00"),
        (Method.CARD, "5.00"),
        (Method.MOBILE_MONEY, "0.00"),
    ]


def test_a_difference_needs_a_reason():
    short = rules.differences({Method.CASH: Money("10.00")}, {Method.CASH: Money("9.99")})
    with pytest.raises(RuleBroken) as refusal:
        rules.check_closing(short, "  ")
    assert refusal.value.field == "reason"
    rules.check_closing(short, "short change")
    rules.check_closing(rules.differences({Method.CASH: ZERO}, {}), "")


def test_a_missing_count_is_zero():
    assert rules.differences({Method.CASH: Money("10.00")}, {})[0].difference == Money("-10.00")


@pytest.mark.parametrize("currency", rules.DENOMINATIONS)
def test_notes_and_coins_are_in_falling_order(currency):
    for pieces in rules.denominations(currency):
        assert list(pieces) == sorted(set(pieces), reverse=True)
        assert all(piece > 0 for piece in pieces)


def test_an_unknown_currency_has_no_pieces():
    assert rules.denominations("XXX") == ((), ())
    assert rules.quick_amounts(Money("190.00"), "XXX") == [Money("190.00")]


def test_quick_amounts():
    assert rules.quick_amounts(Money("187.30"), "SLE") == [Money("187.30"), Money("188"), Money("190"), Money("200")]
    assert rules.quick_amounts(Money("200.00"), "SLE") == [Money("200.00")]
    assert rules.quick_amounts(Money("99999999.99"), "SLE") == [Money("99999999.99")]
