"""Rules of bills: lines, totals, discounts, payers' shares, states."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from hms.billing.enums import BILL_IS_FULL, BillState
from hms.core.errors import RuleBroken
from hms.core.money import MAX_VALUE, ZERO, Money
from hms.core.text.numbers import percentage
from hms.core.text.translation import N_

MAX_UNITS = 100_000
_COUNTED_ENTRY = re.compile(r"([0-9]{1,6}) *[*x×] *(?=[^0-9 ])(.+)", re.IGNORECASE)


class Line(NamedTuple):
    """The unit price and the quantity of a bill line."""

    unit_price: Money
    quantity: int = 1


class Totals(NamedTuple):
    """The totals of a bill. `balance` is the amount left to pay; below zero the hospital owes the patient."""

    subtotal: Money
    discount: Money
    total: Money
    written_off: Money
    paid: Money
    balance: Money


def line_total(unit_price: Money, quantity: int) -> Money:
    """Price times quantity; `RuleBroken` on `quantity` when it is above the limit of a line."""
    product = unit_price * quantity
    if product.value > MAX_VALUE:
        raise RuleBroken(N_("This line is above the limit of a bill. Check the price and the quantity."), "quantity")
    return product


def check_line(description: str, unit_price: Money, quantity: int) -> Money:
    """The total of a line; `RuleBroken` with the field when the line cannot be billed."""
    if not description.strip():
        raise RuleBroken(N_("Enter a description."), "description")
    if unit_price < ZERO:
        raise RuleBroken(N_("A price cannot be below zero. To reduce the bill, give a discount."), "amount")
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= MAX_UNITS:
        raise RuleBroken(N_("Enter a whole quantity from 1 to 100,000."), "quantity")
    return line_total(unit_price, quantity)


def parse_entry(text: str) -> tuple[int, str]:
    """Split a typed item into quantity and text: `3*dres` and `3 x dres` are three of "dres"; without a quantity it is one."""
    typed = text.strip()
    match = _COUNTED_ENTRY.fullmatch(typed)
    return (int(match[1]), match[2].strip()) if match else (1, typed)


def totals(
    lines: Iterable[Line], discount: Money = ZERO, payments: Iterable[Money] = (), written_off: Money = ZERO
) -> Totals:
    """The totals of a bill. A refund is a payment below zero. Raises `RuleBroken` when the bill is above its limit."""
    subtotal = check_total(Money.total(line_total(*line) for line in lines))
    paid = Money.total(payments)
    total = subtotal - discount
    return Totals(subtotal, discount, total, written_off, paid, balance(total, paid, written_off))


def check_total(subtotal: Money) -> Money:
    """Return the subtotal; `RuleBroken` on `items` when it is above the limit of a bill."""
    if subtotal.value > MAX_VALUE:
        raise RuleBroken(BILL_IS_FULL, "items")
    return subtotal


def balance(total: Money, paid: Money, written_off: Money = ZERO) -> Money:
    """The amount left to pay."""
    return total - written_off - paid


def state(total: Money, paid: Money, written_off: Money = ZERO) -> BillState:
    """The state of an issued bill that is not void. A bill with a total of zero is paid."""
    if balance(total, paid, written_off) <= ZERO:
        return BillState.PAID
    return BillState.PART_PAID if paid > ZERO else BillState.ISSUED


def check_editable(current: BillState) -> None:
    """Only a draft may be changed; `RuleBroken` otherwise."""
    if current != BillState.DRAFT:
        raise RuleBroken(
            N_("This bill is issued and cannot be changed. Request to void it, then create a new bill."),
            code="not_draft",
        )


def check_issue(current: BillState, lines: Iterable[Line], discount: Money = ZERO) -> Totals:
    """The totals of a draft; `RuleBroken` when it is no draft, has no lines, or its discount is more than the subtotal."""
    if current != BillState.DRAFT:
        raise RuleBroken(N_("This bill is already issued or void."), code="not_draft")
    listed = list(lines)
    if not listed:
        raise RuleBroken(N_("Add at least one line before issuing the bill."), "items", code="empty")
    bill_totals = totals(listed, discount)
    check_discount(discount, bill_totals.subtotal)
    return bill_totals


def check_void(current: BillState, paid: Money, reason: str) -> None:
    """A bill may be voided with a reason while it has no payments; `RuleBroken` otherwise."""
    if current == BillState.VOID:
        raise RuleBroken(N_("This bill is already void."), code="void")
    if paid != ZERO:
        raise RuleBroken(N_("This bill has payments. Refund them first."), code="has_payments")
    if not reason.strip():
        raise RuleBroken(N_("Enter the reason for voiding the bill."), "reason")


def parse_discount(text: str, subtotal: Money) -> Money:
    """The amount of a discount typed as an amount ("10.00") or a percentage of the subtotal ("10%", "7.5 %"). Raises
    `RuleBroken` on `discount`."""
    try:
        percent, amount = _percent_or_amount(text)
    except ValueError:
        raise RuleBroken(N_("Enter the discount as an amount or a percentage, for example 10%."), "discount") from None
    if percent is not None and percent > 100:
        raise RuleBroken(N_("Enter a discount of at most 100%."), "discount")
    discount = amount if percent is None else subtotal.percent(percent)
    check_discount(discount, subtotal)
    return discount


def _percent_or_amount(text: str) -> tuple[Decimal | None, Money]:
    """A typed percentage ("10%"), else a typed amount; the other one is None or zero. `ValueError` when it is neither."""
    typed = text.strip()
    return (percentage(typed), ZERO) if typed.endswith("%") else (None, Money.parse(typed))


def check_discount(discount: Money, subtotal: Money) -> None:
    """A discount is from zero to the subtotal; `RuleBroken` on `discount` otherwise."""
    if discount < ZERO:
        raise RuleBroken(N_("Enter a discount of zero or more."), "discount")
    if discount > subtotal:
        raise RuleBroken(N_("The discount is more than the bill. Check the amount."), "discount")


def is_above_limit(discount: Money, subtotal: Money, limit_percent: Decimal) -> bool:
    """Whether a discount is above `limit_percent` of the subtotal, so that it needs approval."""
    return discount > subtotal.percent(limit_percent)


class Share(NamedTuple):
    """The other payer's share of a bill; `percent` is None when it was entered as an amount."""

    amount: Money
    percent: Decimal | None


def split_total(total: Money, payer_percent: Decimal) -> tuple[Money, Money]:
    """The parts of the patient and of the payer, in this order; they always add up to `total`."""
    payer = total.percent(min(max(payer_percent, Decimal(0)), Decimal(100)))
    return total - payer, payer


def parse_share(text: str, total: Money) -> Share:
    """The payer's share typed as an amount ("150.00") or a percentage of the total ("80%"); `RuleBroken` on `payer_share`."""
    try:
        percent, amount = _percent_or_amount(text)
    except ValueError:
        raise RuleBroken(N_("Enter the share as an amount or a percentage, for example 80%."), "payer_share") from None
    if percent is not None:
        if not 0 < percent <= 100:
            raise RuleBroken(N_("Enter a percentage from 1% to 100%."), "payer_share")
        return Share(split_total(total, percent)[1], percent)
    if not ZERO < amount <= total:
        raise RuleBroken(
            N_("Enter a share above zero and at most the bill total: %(total)s."), "payer_share", total=total
        )
    return Share(amount, None)


class Dues(NamedTuple):
    """The amounts left to pay by the patient and by the other payer; their sum is the bill's balance."""

    patient: Money
    payer: Money


def amounts_due(total: Money, paid: Money, written_off: Money, payer_share: Money, payer_paid: Money) -> Dues:
    """The amounts left to pay. A write-off reduces the patient's part."""
    return Dues(balance(total - payer_share, paid - payer_paid, written_off), payer_share - payer_paid)
