"""Numbers as people type them."""

from decimal import Decimal

import pytest

from hms.core.text.numbers import number


@pytest.mark.parametrize(
    ("typed", "value"),
    [("36.5", "36.5"), ("36,5", "36.5"), (" 7 ", "7"), (".5", "0.5"), (",5", "0.5"), ("5.", "5"), ("0,125", "0.125"),
     ("-3", "-3"), ("+3", "3"), ("1000", "1000"), ("007", "7"), ("12,50", "12.5")],
)  # fmt: skip
def test_comma_and_point_are_read_alike(typed, value):
    assert number(typed) == Decimal(value)


@pytest.mark.parametrize(
    "typed",
    ["", " ", "x", "1,000", "1.000", "12,345", "1,2,3", "1.2.3", "1e5", "NaN", "inf", "٣", "½", "10²", "1 000", "--1",
     "1234567890", "0x10", "1_000", "\u0000", "5\n6"],
)  # fmt: skip
def test_anything_else_is_refused(typed):
    with pytest.raises(ValueError, match="number|two ways"):
        number(typed)
