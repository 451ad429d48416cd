"""Forms of the cashier's pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import HiddenInput

from hms.core.money import MAX_SUM, smallest_amount
from hms.core.text.numbers import show
from hms.core.web.forms import ActionForm, InputPresent, MoneyField, RecordIdField, Required, Text, WholeField

from .enums import METHOD_LABELS, SELF, Method
from .models import PriceItem
from .tills import rules

OWED_AGAIN, CREDITED = "owed", "credited"
METHODS = [SelectChoice(method.value, METHOD_LABELS[method]) for method in Method]
CATEGORIES = [
    ("service", _l("Service")),
    ("test", _l("Test")),
    ("medicine", _l("Medicine")),
    ("supply", _l("Supply")),
    ("bed", _l("Bed")),
]


class LineForm(ActionForm):
    """A line to add to a draft. Without a price, the price of the price list is used."""

    item = Text(_l("Item"), longest=200)
    price_item_id = RecordIdField(widget=HiddenInput())
    quantity = WholeField(_l("Quantity"))
    unit_price = MoneyField(_l("Other price"))


class DiscountForm(ActionForm):
    entered_together = (("discount", "reason"),)
    discount = Text(_l("Amount or percentage"), [Required()], longest=20)
    reason = Text(_l("Reason"), longest=200)


class ReasonForm(ActionForm):
    reason = Text(_l("Reason"), [Required()], longest=200)


class PayerForm(ActionForm):
    """The other payer of a draft and their share: an amount or a percentage."""

    entered_together = (("payer", "payer_share"),)
    payer = SelectField(_l("Payer"), validate_choice=False)
    payer_share = Text(_l("Payer's share"), longest=20)


class PayForm(ActionForm):
    """A payment. `tendered` is ignored unless the method is cash."""

    payer = RadioField(_l("Who pays"), default=SELF, validate_choice=False)
    amount = MoneyField(_l("Amount"), [InputPresent()])
    method = RadioField(_l("Payment method"), choices=METHODS, default=Method.CASH.value, validate_choice=False)
    reference = Text(_l("Reference (slip or claim number)"), longest=100)
    tendered = MoneyField(_l("Cash received"))

    def values(self) -> dict[str, Any]:
        values = super().values()
        return values if values["method"] == Method.CASH.value else values | {"tendered": None}


class RefundForm(ActionForm):
    amount = MoneyField(_l("Amount to refund"), [InputPresent()])
    method = SelectField(_l("Refund method"), choices=METHODS, validate_choice=False)
    reason = Text(_l("Reason"), [Required()], longest=200)
    is_credit = RadioField(
        _l("After the refund, the patient"),
        [Required()],
        choices=[
            SelectChoice(OWED_AGAIN, _l("still has to pay this amount, for example if it was paid the wrong way")),
            SelectChoice(CREDITED, _l("does not have to pay this amount any more, for example if nothing was done")),
        ],
        validate_choice=False,
    )

    def values(self) -> dict[str, Any]:
        return super().values() | {"is_credit": self.is_credit.data == CREDITED}


class WriteOffForm(ActionForm):
    amount = MoneyField(_l("Amount to write off"), [InputPresent()])
    reason = Text(_l("Reason"), [Required()], longest=200)


class CreditForm(ActionForm):
    quantity = WholeField(_l("Quantity to credit"), [InputPresent()])
    reason = Text(_l("Reason"), [Required()], longest=200)


class FloatForm(ActionForm):
    float_amount = MoneyField(_l("Float"), [InputPresent()])


class CountForm(ActionForm):
    """How many of each note and coin, and the total of every other payment method.

    The field of a note or coin is named by its value in the currency's smallest amounts: `n2000` counts notes of 20.00.
    """

    loose = MoneyField(_l("Other cash (amount)"), largest=MAX_SUM)

    @property
    def pieces(self) -> list[tuple[Decimal, Any]]:
        """The value and the field of every note and coin of the currency, the largest first."""
        return [(value, self[_piece_field(value)]) for value in _denominations()]

    @property
    def slips(self) -> list[tuple[Method, Any]]:
        return [(method, self[method.name.lower()]) for method in Method if method is not Method.CASH]

    def values(self) -> dict[str, Any]:
        return {
            "pieces": {value: field.data for value, field in self.pieces if field.data is not None},
            "loose": self.loose.data,
            "slips": {method: field.data for method, field in self.slips if field.data is not None},
        }


def count_form() -> CountForm:
    """A `CountForm` with the notes and coins of the hospital's currency."""
    pieces = {_piece_field(value): WholeField(f"{show(value)} ×") for value in _denominations()}
    other_methods = [method for method in Method if method is not Method.CASH]
    slips = {method.name.lower(): MoneyField(METHOD_LABELS[method], largest=MAX_SUM) for method in other_methods}
    return type("HospitalCountForm", (CountForm,), pieces | slips)()


def _denominations() -> list[Decimal]:
    notes, coins = rules.denominations(current_app.config["CURRENCY"])
    return sorted({*notes, *coins}, reverse=True)


def _piece_field(value: Decimal) -> str:
    return f"n{int(value / smallest_amount())}"


class CloseForm(ActionForm):
    reason = Text(_l("Reason for difference"), longest=200)


class PriceForm(ActionForm):
    """An item of the price list. `billing_label` is printed on bills when the name would reveal the patient's illness."""

    code = Text(_l("Code"), [Required()], longest=20)
    name = Text(_l("Name"), [Required()], longest=120)
    billing_label = Text(_l("Name on bills, if different"), longest=120)
    category = SelectField(
        _l("Category"), choices=[SelectChoice(*category) for category in CATEGORIES], validate_choice=False
    )
    unit_price = MoneyField(_l("Price"), [InputPresent()])
    is_active = BooleanField(_l("Active"), default=True)
    version = RecordIdField()

    @staticmethod
    def stored_values(item: PriceItem) -> dict[str, Any]:
        """An item as the fields of this form."""
        names = ("code", "name", "billing_label", "category", "unit_price", "is_active", "version")
        return {name: getattr(item, name) for name in names}
