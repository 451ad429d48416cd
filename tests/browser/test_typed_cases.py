"""The shared cases of typed dates and money, read by the scripts of the pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases import load_cases

pytestmark = pytest.mark.browser
PAY_SCRIPT = Path(__file__).resolve().parents[2] / "static" / "js" / "pay.js"
READ_DATES = """cases => cases.map(([field, today, typed]) => {
  document.documentElement.dataset.today = today;
  return HMS.readDate(typed, field);
})"""

READ_CENTS = """cases => cases.map(([typed, sign]) => {
  document.documentElement.dataset.decimalSign = sign;
  return HMS.readCents(typed);
})"""


@pytest.fixture
def tab(at_desk):
    page = at_desk("doctor")
    page.goto("/dev/kit")
    return page


def test_the_script_reads_dates_as_the_server_does(tab):
    cases = load_cases("typed_dates")["cases"]
    days = tab.evaluate(READ_DATES, cases)
    assert [[*case[:3], day] for case, day in zip(cases, days, strict=True)] == cases


def test_the_script_reads_money_as_the_page_does(tab):
    tab.evaluate(PAY_SCRIPT.read_text(encoding="utf-8"))
    cases = load_cases("typed_numbers")["money"]
    cents = tab.evaluate(READ_CENTS, cases)
    expected = [None if page is None else int(page.replace(".", "")) for _, _, page, _ in cases]
    typed = [(typed, sign) for typed, sign, *_ in cases]
    assert dict(zip(typed, cents, strict=True)) == dict(zip(typed, expected, strict=True))


@pytest.mark.parametrize(
    ("decimals", "typed", "least"),
    [
        ("0", ["1250", "1,250", "1,50", "1250.0", "99999999"], [1250, 1250, None, None, 99_999_999]),
        ("3", ["1.505", "1,250.5", "0,505", "1.5055"], [1505, 1_250_500, 505, None]),
    ],
)
def test_the_script_reads_the_decimals_of_the_currency(tab, decimals, typed, least):
    tab.evaluate(PAY_SCRIPT.read_text(encoding="utf-8"))
    tab.evaluate("decimals => { document.documentElement.dataset.decimals = decimals }", decimals)
    assert tab.evaluate(READ_CENTS, [[text, "."] for text in typed]) == least
