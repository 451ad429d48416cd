"""Reading what the laboratory types, and judging it by the reference range of sex and age."""

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
"""How prominently a flag is shown, and what people read, by the word that is stored with the result."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value as it is kept: what people read, the number, and the word for an unusual one."""

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
    """The values an ordered test is made of: those of its panel, or itself. A test that is not on the list of tests (it
    was taken off, or came from another system) has one value in words, under the `name` it was ordered by."""
    test = tests().get(code)
    if test is None:
        return (LabTest(code, name, name, "", "", "text", (), ZERO, "", ()),)
    return tuple(tests()[part] for part in test.choices) if test.result == "panel" else (test,)


def read_value(test: LabTest, typed: str, sex: str, age_years: Decimal | None) -> Value | None:
    """The value typed for one test; None when nothing was. Raises `RuleBroken` on the test's code."""
    text = clean_field(typed, test.code, longest=MAX_TEXT_LENGTH, multiline=True)
    if not text:
        return None
    if test.result == "number":
        return _number(test, text, sex, age_years)
    if test.result == "choice" and text not in test.choices:
        raise RuleBroken(N_("Choose one of the answers."), test.code)
    return Value(test.code, test.name, text)


def _number(test: LabTest, text: str, sex: str, age_years: Decimal | None) -> Value:
    try:
        measured = number(text)
    except ValueError as refusal:
        raise RuleBroken(N_("Enter a number, for example 10.1."), test.code) from refusal
    if not 0 <= measured <= MAX_VALUE:
        raise RuleBroken(N_("Enter a number of zero or more."), test.code)
    usual = test.range_for(sex, age_years)
    return Value(
        test.code,
        test.name,
        quantity(measured, test.printed_unit) if test.printed_unit else quantity(measured),
        measured,
        test.unit,
        usual.text if usual else "",
        test.flag(measured, sex, age_years),
    )


def find_tests(text: str, limit: int = 10) -> list[LabTest]:
    """The tests whose code or name holds every word of `text`; those that begin with it first."""
    words = text.lower().split()
    if not words or is_only_punctuation(text):
        return []
    matches = [test for test in tests().values() if all(word in f"{test.code} {test.name}".lower() for word in words)]
    matches.sort(key=lambda test: not (test.code.lower() == words[0] or test.name.lower().startswith(words[0])))
    return matches[:limit]
