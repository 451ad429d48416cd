"""Rules of correction requests: write-offs, approval by a second person, reasons."""

from __future__ import annotations

from hms.billing.enums import OPEN, BillState, CorrectionStatus
from hms.core.errors import Conflict, RuleBroken
from hms.core.money import ZERO, Money
from hms.core.text.translation import N_

CREDITABLE = (*OPEN, BillState.PAID)
"""The states of a bill whose lines can be credited."""


def check_creditable(current: BillState) -> None:
    """Lines of an issued bill are credited; `RuleBroken` otherwise."""
    if current is BillState.DRAFT:
        raise RuleBroken(N_("This bill is not issued yet. Remove the line instead."), code="not_open")
    if current not in CREDITABLE:
        raise RuleBroken(N_("This bill is void, so nothing can be credited."), code="not_open")


def check_write_off(amount: Money, current: BillState, owed: Money) -> None:
    """A write-off is for an issued bill and at most the amount `owed`; `RuleBroken` otherwise."""
    if current not in OPEN:
        raise RuleBroken(
            N_(
                "You can write off only an issued bill with an amount left to pay. If the patient has paid, "
                "refund the payment first."
            ),
            code="not_open",
        )
    if amount <= ZERO:
        raise RuleBroken(N_("Enter an amount above zero."), "amount")
    if amount > owed:
        raise RuleBroken(N_("Only %(due)s is left to pay."), "amount", code="more_than_due", due=owed)


def check_credit(quantity: int, left: int) -> None:
    """A credit is of at least one unit, and of at most those `left`; `RuleBroken` otherwise."""
    if quantity < 1:
        raise RuleBroken(N_("Enter a quantity above zero."), "quantity")
    if quantity > left:
        raise RuleBroken(
            N_("Only %(left)s of this line can be credited."), "quantity", code="more_than_left", left=left
        )


def check_approver(requested_by: int, approver: int | None) -> None:
    """Nobody decides their own request; `RuleBroken` otherwise."""
    if requested_by == approver:
        raise RuleBroken(N_("You made this request, so someone else must decide it."), code="own_request")


def check_independent(*, requester_opened_approver: bool, approver_opened_requester: bool) -> None:
    """Raise `RuleBroken` when one person may hold both accounts: one of them lately opened the other, or created a sign-in
    link for it."""
    if requester_opened_approver:
        raise RuleBroken(
            N_(
                "The person who sent this request opened your account or made a link for it in the last "
                "30 days, so someone else must approve."
            ),
            code="opened_lately",
        )
    if approver_opened_requester:
        raise RuleBroken(
            N_(
                "You opened the account of the person who sent this request, or made a link for it, in "
                "the last 30 days, so someone else must approve."
            ),
            code="opened_lately",
        )


def check_reason(reason: str) -> str:
    """Return the reason without surrounding spaces; `RuleBroken` when it is empty."""
    if not reason.strip():
        raise RuleBroken(N_("Enter the reason."), "reason")
    return reason.strip()


def check_waiting(status: str) -> None:
    """Only a waiting request is decided; `Conflict` otherwise."""
    if status != CorrectionStatus.WAITING:
        raise Conflict(N_("This request is already decided. Check the bill."), code="decided")
