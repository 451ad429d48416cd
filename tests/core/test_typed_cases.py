"""The shared cases of typed dates and numbers, read by the server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict
from wtforms import Form

from hms.core.errors import RuleBroken
from hms.core.money import Money
from hms.core.text import dates, numbers
from hms.core.web import fields, forms
from hms.patients.identity import birth_dates
from hms.pharmacy.stock import expiry
from tests.cases import load_cases

DATES = load_cases("typed_dates")["cases"]
NUMBERS = load_cases("typed_numbers")
READ = {
    "dob": lambda text, today: birth_dates.parse_birth_date(text, today, "day").day,
    "near": lambda text, today: dates.parse_upcoming_date(text, today, "day"),
    "expiry": lambda text, today: expiry.expiry(text, today, "day"),
}


@pytest.mark.parametrize("field", READ)
def test_typed_dates(field):
    for kind, today, typed, expected in DATES:
        if kind == field:
            try:
                day = READ[kind](typed, date.fromisoformat(today)).isoformat()
            except RuleBroken as refusal:
                day = None if refusal.field == "day" and str(refusal) else "refused without its field or a sentence"
            assert day == expected, typed


class PaymentForm(Form):
    amount = forms.MoneyField()


def _page_amount(typed: str, sign: str) -> Money | None:
    with numbers.with_decimal_sign(sign):
        form = PaymentForm(MultiDict({"amount": typed}))
        return form.amount.data if form.validate() else None


def _api_amount(value: object) -> Money | None:
    try:
        return fields.Amount().deserialize(value)
    except ValidationError:
        return None


def test_typed_money():
    for typed, sign, page, api in NUMBERS["money"]:
        read = [amount if amount is None else str(amount) for amount in (_page_amount(typed, sign), _api_amount(typed))]
        assert read == [page, api], (typed, sign)


def _value(read: Callable[[str], Decimal], typed: str) -> Decimal | None:
    try:
        return read(typed)
    except ValueError:
        return None


@pytest.mark.parametrize(("kind", "read"), [("measurements", numbers.number), ("percentages", numbers.percentage)])
def test_typed_measurements_and_percentages(kind, read):
    for typed, sign, page, api in NUMBERS[kind]:
        with numbers.with_decimal_sign(sign):
            on_page = _value(read, typed)
        expected = [None if value is None else Decimal(value) for value in (page, api)]
        assert [on_page, _value(read, typed)] == expected, (typed, sign)
