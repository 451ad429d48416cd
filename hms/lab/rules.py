"""Parse typed results and flag them by the reference range of sex and age; search for tests."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from flask_babel import lazy_gettext as _l

from hms.core.errors import RuleBroken
from hms.core.money import ZERO
from hms.core.text.cleaning import clean_field, is_only_punctuation
from hms.core.text.formatting import quantity
from hms.core.text.numbers import number
from hms.core.text.translation import N_

from .catalogue import LabTest, tests

MAX_VALUE = Decimal(10_000_000)
MAX_TEXT_LENGTH = 1000
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
    try:
        measured = number(text)
    except ValueError as refusal:
        raise RuleBroken(N_("Enter a number, for example 10.1."), test.code) from refusal
    if not 0 <= measured <= MAX_VALUE:
        raise RuleBroken(N_("Enter a number from 0 to 10,000,000."), test.code)
    usual = test.range_for(sex, age_years)
    return Value(
        test.code,
        test.name,
        quantity(measured, test.printed_unit) if test.printed_unit else quantity(measured),
        measured,
        test.unit,
        usual.text if usual else "",
        test.flag_of(measured, sex, age_years),
    )


def find_tests(text: str, limit: int = 10) -> list[LabTest]:
    """At most `limit` tests whose code or name contains every word of `text`; names that begin with it come first."""
    words = text.lower().split()
    if not words or is_only_punctuation(text):
        return []
    matches = [test for test in tests().values() if all(word in f"{test.code} {test.name}".lower() for word in words)]
    matches.sort(key=lambda test: not (test.code.lower() == words[0] or test.name.lower().startswith(words[0])))
    return matches[:limit]
