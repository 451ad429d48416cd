"""Rules of payments and refunds: amounts, references, change."""

from __future__ import annotations

from hms.billing.enums import OPEN, BillState, Method
from hms.core.errors import RuleBroken
from hms.core.money import ZERO, Money
from hms.core.text.translation import N_

MIN_REFERENCE_LENGTH = {Method.CARD: 4, Method.INSURANCE: 3, Method.MOBILE_MONEY: 4, Method.BANK: 4, Method.OTHER: 2}
"""Shortest reference (number of the slip or claim) by payment method; cash needs none."""
MAX_REFERENCE_LENGTH = 100


def check_payable(state: BillState) -> None:
    """Only an issued bill with an amount left to pay can be paid; `RuleBroken` otherwise."""
    if state == BillState.DRAFT:
        raise RuleBroken(N_("This bill is a draft. Issue it, then take the payment."), code="not_issued")
    if state == BillState.VOID:
        raise RuleBroken(N_("This bill is void. You cannot take a payment for it."), code="void")
    if state not in OPEN:
        raise RuleBroken(N_("This bill is already paid."), code="paid")


def check_payment(
    amount: Money,
    balance: Money,
    method: Method,
    reference: str = "",
    tendered: Money | None = None,
    *,
    needs_reference: bool = True,
) -> Money:
    """The change for the patient; `RuleBroken` with the field when the payment cannot be taken.

    `balance` is the amount left to pay, read while the bill is locked. `tendered` is the cash received, when it is more
    than the amount. Programs of the first API send no reference: for them `needs_reference` is False.
    """
    if amount <= ZERO:
        raise RuleBroken(N_("Enter an amount above zero."), "amount")
    if amount > balance:
        message = N_("Only %(due)s is left to pay. Take this amount at most and give the rest as change.")
        raise RuleBroken(message, "amount", code="more_than_due", due=balance)
    _check_reference(method, reference.strip(), needs_reference)
    return _change(amount, method, tendered)


def _check_reference(method: Method, reference: str, is_needed: bool) -> None:
    if len(reference) > MAX_REFERENCE_LENGTH:
        raise RuleBroken(N_("Enter a reference of at most 100 characters."), "reference")
    shortest = MIN_REFERENCE_LENGTH.get(method, 0)
    if is_needed and len(reference) < shortest:
        message = N_("Enter the number on the slip or claim: at least %(count)s characters.")
        raise RuleBroken(message, "reference", count=shortest)


def _change(amount: Money, method: Method, tendered: Money | None) -> Money:
    if tendered is None:
        return ZERO
    if method != Method.CASH and tendered != amount:
        raise RuleBroken(N_("Change is given for cash only. Enter the exact amount."), "tendered")
    if tendered < amount:
        raise RuleBroken(N_("The cash received is less than the amount. Enter a part payment instead."), "tendered")
    return tendered - amount


def check_refund(amount: Money, left: Money) -> None:
    """A refund is at most what is `left` of the payment after earlier refunds; `RuleBroken` otherwise."""
    if amount <= ZERO:
        raise RuleBroken(N_("Enter an amount above zero."), "amount")
    if amount > left:
        message = N_("Only %(left)s of this payment is left to refund.")
        raise RuleBroken(message, "amount", code="more_than_paid", left=left)
