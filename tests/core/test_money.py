"""Money: exact and without a limit of its own; what is typed has one."""

from decimal import Decimal

import pytest

from hms.core.money import MAX_SUM, MAX_VALUE, Money


def test_sums_have_no_limit():
    most = Money("99999999.99")
    assert Money.total([most] * 3) == Money("299999999.97")
    assert most * 100_000 == Money("9999999999000.00")
    assert str(most + most) == "199999999.98"
    assert str(-(most + most)) == "-199999999.98"
    assert (most + most).percent(Decimal(50)) == most


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+999999999", "1E+40"])
def test_what_is_no_exact_amount_is_refused(value):
    with pytest.raises(ValueError, match="finite|exact"):
        Money(Decimal(value))


def test_no_float():
    for value in (1.5, True):
        with pytest.raises(TypeError):
            Money(value)


@pytest.mark.parametrize("typed", [MAX_VALUE, 99_999_999])
def test_exact_numbers_that_a_program_may_send(typed):
    assert abs(Money.parse(typed)) <= Money(MAX_VALUE)


@pytest.mark.parametrize(
    "typed",
    [
        100_000_000,
        Decimal("100000000"),
        Decimal("1E+999999999"),
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1.505"),
        1.5,
        True,
    ],
)
def test_numbers_that_a_program_may_not_send(typed):
    with pytest.raises(ValueError, match="amount|decimals"):
        Money.parse(typed)


def test_a_larger_amount_may_be_typed_where_a_sum_is_expected():
    assert Money.parse("9999999999.99", MAX_SUM) == Money(MAX_SUM)
    with pytest.raises(ValueError, match="amount"):
        Money.parse("10000000000", MAX_SUM)
