"""Parse typed results and flag them by the reference range of sex and age; search for tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from flask_babel import lazy_gettext as _l

from hms.core.errors import RuleBroken
from hms.core.money import ZERO
from hms.core.text.cleaning import clean_field, is_only_punctuation
from hms.core.text.formatting import NBSP, quantity
from hms.core.text.numbers import number
from hms.core.text.translation import N_

from .catalogue import LabTest, tests

MAX_VALUE = Decimal(10_000_000)
MAX_TEXT_LENGTH = 1000
_SIGN_OF = {"<": "<", ">": ">", "<=": "≤", ">=": "≥", "≤": "≤", "≥": "≥"}
_TYPED = re.compile(r"(?P<sign>[<>]=?|[≤≥])?\s*(?P<number>[+-]?[0-9.,]+)(?P<unit>(?:\s*[^0-9\s.,][^\n]{0,15})?)")
_STORED_BOUND = re.compile(r"([<>≤≥])([0-9]+(?:\.[0-9]+)?)(.*)", re.DOTALL)
CRITICAL = ("Critical low", "Critical high")
FLAGS = {
    "Low": ("low", _l("Low")),
    "High": ("high", _l("High")),
    "Critical low": ("critical", _l("Critical low")),
    "Critical high": ("critical", _l("Critical high")),
}
"""(level, label) of each stored flag."""


@dataclass(frozen=True, slots=True)
class Value:
    """One parsed result: printed text, number if any, unit (UCUM), reference range and flag."""

    code: str
    title: str
    value: str
    number: Decimal | None = None
    unit: str = ""
    range_text: str = ""
    flag: str = ""

    @property
    def is_critical(self) -> bool:
        return self.flag in CRITICAL


def tests_of_order(code: str, name: str) -> tuple[LabTest, ...]:
    """The tests whose values are entered for an order: those of its panel, or the test itself.

    A test that is not in the catalogue (removed, or from another system) has one text value with the `name` of the order.
    """
    test = tests().get(code)
    if test is None:
        return (LabTest(code, name, name, "", "", "text", (), ZERO, "", ()),)
    return tuple(tests()[part] for part in test.choices) if test.result == "panel" else (test,)


def read_value(test: LabTest, typed: str, sex: str, age_years: Decimal | None) -> Value | None:
    """The typed value of one test; None when it is blank. Raises `RuleBroken` on the test's code."""
    text = clean_field(typed, test.code, longest=MAX_TEXT_LENGTH, multiline=True)
    if not text:
        return None
    if test.result == "number":
        return _number(test, text, sex, age_years)
    if test.result == "choice" and text not in test.choices:
        raise RuleBroken(N_("Choose a result from the list."), test.code)
    return Value(test.code, test.name, text)


def _number(test: LabTest, text: str, sex: str, age_years: Decimal | None) -> Value:
    """A number, also with its unit, or the end of the measuring range ("<3", ">1000"), which has no number."""
    match = _TYPED.fullmatch(text)
    if match is None:
        raise RuleBroken(N_("Enter a number, for example 10.1, or <3 or >1000."), test.code)
    sign = _SIGN_OF.get(match["sign"] or "", "")
    measured = _convert(test, _read_number(test, match["number"]), match["unit"].strip())
    _check_possible(test, measured, is_bound=bool(sign), sex=sex, age_years=age_years)
    usual = test.range_for(sex, age_years)
    printed = quantity(measured, test.printed_unit) if test.printed_unit else quantity(measured)
    if sign:  # kept as it was typed, so that a correction reads it again: ">1000 mg/L"
        printed = f"{sign}{measured:f}" + (f"{NBSP}{test.printed_unit}" if test.printed_unit else "")
    return Value(
        code=test.code,
        title=test.name,
        value=printed,
        number=None if sign else measured,
        unit=test.unit,
        range_text=usual.text if usual else "",
        flag=test.flag_of_bound("<" if sign in "<≤" else ">", measured, sex, age_years)
        if sign
        else test.flag_of(measured, sex, age_years),
    )


def split_bound(value: str) -> tuple[str, str, str] | None:
    """A stored end of the measuring range, such as ">1.5 mg/L", as sign, number with a point, and the rest; else None."""
    match = _STORED_BOUND.fullmatch(value)
    return (match[1], match[2], match[3]) if match else None


def _read_number(test: LabTest, typed: str) -> Decimal:
    try:
        measured = number(typed)
    except ValueError as refusal:
        raise RuleBroken(N_("Enter a number, for example 10.1, or <3 or >1000."), test.code) from refusal
    if not 0 <= measured <= MAX_VALUE:
        raise RuleBroken(N_("Enter a number from 0 to 10,000,000."), test.code)
    return measured


def _convert(test: LabTest, measured: Decimal, unit: str) -> Decimal:
    """The number in the unit of the test. Raises `RuleBroken` for an unknown `unit`."""
    if not unit or _fold_unit(unit) in (_fold_unit(test.unit), _fold_unit(test.printed_unit)):
        return measured
    for other, factor in test.factors:
        if _fold_unit(unit) == _fold_unit(other):
            return _shorten(measured * factor)
    message = N_("The unit %(unit)s is not known for this test. Enter the number in %(own)s.")
    raise RuleBroken(message, test.code, unit=unit, own=test.printed_unit or N_("no unit"))


def _fold_unit(unit: str) -> str:
    folded = unit.lower().replace(" ", "").replace("µ", "u").replace("μ", "u").replace("×", "").replace("*", "^")
    return folded.replace("10⁹", "10^9").replace("10⁶", "10^6").removeprefix("x")


def _shorten(value: Decimal) -> Decimal:
    """`value` rounded to 1, 0.1 (below 100) or 0.01 (below 10), as a laboratory prints a converted result."""
    places = Decimal("1") if value >= 100 else Decimal("0.1") if value >= 10 else Decimal("0.01")
    return value.quantize(places).normalize() + 0


def _check_possible(test: LabTest, measured: Decimal, *, is_bound: bool, sex: str, age_years: Decimal | None) -> None:
    """Raise `RuleBroken` for a number that no patient has, with the number that was probably meant."""
    is_possible = test.is_possible(measured)
    if is_bound:  # "<0.01" ends where the analyser ends: only a bound far too high is a slip
        is_possible = measured > 0 and (test.possible_high is None or measured <= test.possible_high)
    if is_possible:
        return
    shown = quantity(measured, test.printed_unit) if test.printed_unit else quantity(measured)
    likely = _find_likely(test, measured, sex, age_years)
    if likely is None:
        message = N_("%(value)s is not possible. Check the number and its unit.")
        raise RuleBroken(message, test.code, code="not_possible", value=shown)
    message = N_("%(value)s is not possible. Did you mean %(likely)s? Check the number and its unit.")
    raise RuleBroken(message, test.code, code="not_possible", value=shown, likely=quantity(likely))


def _find_likely(test: LabTest, measured: Decimal, sex: str, age_years: Decimal | None) -> Decimal | None:
    """The number with its point elsewhere or from another unit: one in the usual range first, else a possible one."""
    shifts = (Decimal("0.1"), Decimal("0.01"), Decimal("0.001"), Decimal(10), Decimal(100), Decimal(1000))
    units = [_shorten(measured * factor) for _unit, factor in test.factors if factor not in shifts]
    candidates = [value for value in [*((measured * shift).normalize() + 0 for shift in shifts), *units] if value > 0]
    usual = test.range_for(sex, age_years)
    in_range = [value for value in candidates if usual and usual.low <= value <= usual.high]
    return next(iter(in_range or [value for value in candidates if test.is_possible(value)]), None)


def find_tests(text: str, limit: int = 10) -> list[LabTest]:
    """At most `limit` tests whose code or name contains every word of `text`; names that begin with it come first."""
    words = text.lower().split()
    if not words or is_only_punctuation(text):
        return []
    matches = [test for test in tests().values() if all(word in f"{test.code} {test.name}".lower() for word in words)]
    matches.sort(key=lambda test: not (test.code.lower() == words[0] or test.name.lower().startswith(words[0])))
    return matches[:limit]
