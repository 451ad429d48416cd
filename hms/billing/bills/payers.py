"""Who else pays a bill: an insurer, an employer, a programme."""

from __future__ import annotations

from hms.billing import enums
from hms.billing.models import Bill
from hms.core.errors import RuleBroken
from hms.core.money import ZERO
from hms.core.settings import store as settings
from hms.core.text.translation import N_

from . import rules

MAX_LENGTH = 60


def names() -> list[str]:
    """The payers the hospital sends bills to."""
    listed = (name.strip()[:MAX_LENGTH] for name in settings.value("billing.payers").split(","))
    return [name for name in dict.fromkeys(listed) if name and name.casefold() != enums.SELF]


def set_payer(bill: Bill, payer: str, share: str) -> None:
    """Set who else pays a locked draft whose total is right, and how much of it: "150.00", or "80%" which follows the
    total. "self" is nobody."""
    if payer == enums.SELF:
        bill.payer, bill.payer_percent, bill.payer_share = enums.SELF, None, ZERO
        return
    if payer not in (*names(), bill.payer):
        raise RuleBroken(N_("Choose a payer from the list."), "payer")
    part = rules.share_of(share, bill.total)
    bill.payer, bill.payer_percent, bill.payer_share = payer, part.percent, part.amount
