"""Bills in plain Python: lines, totals, discounts, payers' shares, states."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from hms.billing.enums import BILL_IS_FULL, BillState
from hms.core.errors import RuleBroken
from hms.core.money import MAX_VALUE, ZERO, Money
from hms.core.text.translation import N_

MAX_UNITS = 100_000
_COUNTED = re.compile(r"([0-9]{1,6}) *[*x×] *(?=[^0-9 ])(.+)", re.IGNORECASE)


class Line(NamedTuple):
    """A line of a bill: the price of one unit and how many."""

    unit_price: Money
    quantity: int = 1


class Totals(NamedTuple):
    """What a bill adds up to. `balance` is what is still to pay; below zero the hospital owes the patient."""

    subtotal: Money
    discount: Money
    total: Money
    written_off: Money
    paid: Money
    balance: Money


def line_total(unit_price: Money, quantity: int) -> Money:
    """Price times quantity; `RuleBroken` on `quantity` when the product cannot be billed."""
    product = unit_price * quantity
    if product.value > MAX_VALUE:
        raise RuleBroken(N_("This line is above the limit of a bill. Check the price and the quantity."), "quantity")
    return product


def check_line(description: str, unit_price: Money, quantity: int) -> Money:
    """The total of a line that may go on a bill; `RuleBroken` names the field that keeps it off."""
    if not description.strip():
        raise RuleBroken(N_("Enter what is charged."), "description")
    if unit_price < ZERO:
        raise RuleBroken(N_("A price cannot be below zero. To reduce the bill, give a discount."), "amount")
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= MAX_UNITS:
        raise RuleBroken(N_("Enter a whole quantity from 1 to 100,000."), "quantity")
    return line_total(unit_price, quantity)


def counted_entry(text: str) -> tuple[int, str]:
    """How many and what: `3*dres` and `3 x dres` are three of "dres", anything else is one of itself."""
    typed = text.strip()
    found = _COUNTED.fullmatch(typed)
    return (int(found[1]), found[2].strip()) if found else (1, typed)


def totals(
    lines: Iterable[Line], discount: Money = ZERO, payments: Iterable[Money] = (), written_off: Money = ZERO
) -> Totals:
    """The figures at the foot of a bill. A refund is a payment below zero."""
    subtotal = check_total(Money.total(line_total(*line) for line in lines))
    paid = Money.total(payments)
    total = subtotal - discount
    return Totals(subtotal, discount, total, written_off, paid, balance(total, paid, written_off))


def check_total(subtotal: Money) -> Money:
    """What the lines of one bill come to; `RuleBroken` on `items` when it is more than a bill holds."""
    if subtotal.value > MAX_VALUE:
        raise RuleBroken(BILL_IS_FULL, "items")
    return subtotal


def balance(total: Money, paid: Money, written_off: Money = ZERO) -> Money:
    """What is still to pay."""
    return total - written_off - paid


def state(total: Money, paid: Money, written_off: Money = ZERO) -> BillState:
    """The state of an issued bill that is not void, from its money alone; a bill of nothing is paid."""
    if balance(total, paid, written_off) <= ZERO:
        return BillState.PAID
    return BillState.PART_PAID if paid > ZERO else BillState.ISSUED


def check_editable(current: BillState) -> None:
    """Lines, discounts and the payer change on a draft only."""
    if current != BillState.DRAFT:
        raise RuleBroken(
            N_("This bill is issued and cannot be changed. Request to void it, then create a new bill."),
            code="not_draft",
        )


def check_issue(current: BillState, lines: Iterable[Line], discount: Money = ZERO) -> Totals:
    """The totals of a draft that may be issued; `RuleBroken` when it is no draft, empty or over-discounted."""
    if current != BillState.DRAFT:
        raise RuleBroken(N_("This bill is already issued or void."), code="not_draft")
    found = list(lines)
    if not found:
        raise RuleBroken(N_("Add at least one line before issuing the bill."), "items", code="empty")
    summed = totals(found, discount)
    check_discount(discount, summed.subtotal)
    return summed


def check_void(current: BillState, paid: Money, reason: str) -> None:
    """A bill can be made void while no money is held for it, with a reason."""
    if current == BillState.VOID:
        raise RuleBroken(N_("This bill is already void."), code="void")
    if paid != ZERO:
        raise RuleBroken(N_("This bill has payments. Refund them first."), code="has_payments")
    if not reason.strip():
        raise RuleBroken(N_("Enter the reason for voiding the bill."), "reason")


def discount_of(text: str, subtotal: Money) -> Money:
    """The discount typed as an amount ("10.00") or as a share ("10%", "7.5 %"); `RuleBroken` on `discount`."""
    typed = text.strip()
    try:
        given = Money.typed(typed.removesuffix("%"))
    except ValueError:
        raise RuleBroken(N_("Enter the discount as an amount or a percentage, for example 10%."), "discount") from None
    if typed.endswith("%") and given.value > 100:
        raise RuleBroken(N_("Enter a discount of at most 100%."), "discount")
    found = subtotal.percent(given.value) if typed.endswith("%") else given
    check_discount(found, subtotal)
    return found


def check_discount(discount: Money, subtotal: Money) -> None:
    """A discount lies between nothing and the subtotal."""
    if discount < ZERO:
        raise RuleBroken(N_("Enter a discount of zero or more."), "discount")
    if discount > subtotal:
        raise RuleBroken(N_("The discount is more than the bill. Check the amount."), "discount")


def needs_approval(discount: Money, subtotal: Money, limit_percent: Decimal) -> bool:
    """True when a discount is above the share of the subtotal that a cashier may give alone."""
    return discount > subtotal.percent(limit_percent)


class Share(NamedTuple):
    """Another payer's part of a bill; `percent` when it was given as one."""

    amount: Money
    percent: Decimal | None


def payer_split(total: Money, payer_percent: Decimal) -> tuple[Money, Money]:
    """What the patient and what the payer owes; the two always add up to `total`."""
    payer = total.percent(min(max(payer_percent, Decimal(0)), Decimal(100)))
    return total - payer, payer


def share_of(text: str, total: Money) -> Share:
    """The payer's part as typed: an amount ("150.00") or a percentage ("80%") of the total; `RuleBroken` on `payer_share`."""
    typed = text.strip()
    try:
        given = Money.typed(typed.removesuffix("%"))
    except ValueError:
        raise RuleBroken(N_("Enter the share as an amount or a percentage, for example 80%."), "payer_share") from None
    if typed.endswith("%"):
        if not 0 < given.value <= 100:
            raise RuleBroken(N_("Enter a percentage from 1% to 100%."), "payer_share")
        return Share(payer_split(total, given.value)[1], given.value)
    if not ZERO < given <= total:
        raise RuleBroken(
            N_("Enter a share above zero and at most the bill total: %(total)s."), "payer_share", total=total
        )
    return Share(given, None)


class Dues(NamedTuple):
    """What is still to pay, by whom; together the bill's balance."""

    patient: Money
    payer: Money


def amounts_due(total: Money, paid: Money, written_off: Money, payer_share: Money, payer_paid: Money) -> Dues:
    """What is written off was the patient's to pay."""
    return Dues(balance(total - payer_share, paid - payer_paid, written_off), payer_share - payer_paid)
