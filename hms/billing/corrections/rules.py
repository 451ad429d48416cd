"""Rules of refunds, voids, write-offs and discounts that need a second person."""

from __future__ import annotations

from hms.billing.enums import OPEN, BillState, CorrectionStatus
from hms.core.errors import Conflict, RuleBroken
from hms.core.money import ZERO, Money
from hms.core.text.translation import N_


def check_write_off(amount: Money, current: BillState, owed: Money) -> None:
    """Only what is still owed on an issued bill is given up."""
    if current not in OPEN:
        raise RuleBroken(N_("You can write off only an issued bill with an amount left to pay."), code="not_open")
    if amount <= ZERO:
        raise RuleBroken(N_("Enter an amount above zero."), "amount")
    if amount > owed:
        raise RuleBroken(N_("Only %(due)s is left to pay."), "amount", code="more_than_due", due=owed)


def check_approver(asked_by: int, approver: int | None) -> None:
    """The requester of a discount or refund must not approve it."""
    if asked_by == approver:
        raise RuleBroken(N_("You made this request, so someone else must decide it."), code="own_request")


def check_apart(*, asker_opened_approver: bool, approver_opened_asker: bool) -> None:
    """Two accounts do not approve for each other when one's owner may hold both: they lately opened the other, or made a
    link for it."""
    if asker_opened_approver:
        raise RuleBroken(
            N_(
                "The person who sent this request opened your account or made a link for it in the last "
                "30 days, so someone else must approve."
            ),
            code="opened_lately",
        )
    if approver_opened_asker:
        raise RuleBroken(
            N_(
                "You opened the account of the person who sent this request, or made a link for it, in "
                "the last 30 days, so someone else must approve."
            ),
            code="opened_lately",
        )


def check_reason(reason: str) -> str:
    """The reason of an ask; `RuleBroken` when there is none."""
    if not reason.strip():
        raise RuleBroken(N_("Enter the reason."), "reason")
    return reason.strip()


def check_waiting(status: str) -> None:
    """A decision is made once."""
    if status != CorrectionStatus.WAITING:
        raise Conflict(N_("This request is already decided. Check the bill."), code="decided")
