"""Other payers of a bill: an insurer, an employer, a programme."""

from __future__ import annotations

from hms.billing import enums
from hms.billing.models import Bill
from hms.core.errors import RuleBroken
from hms.core.money import ZERO
from hms.core.settings.payers import payer_names
from hms.core.text.translation import N_

from . import rules


def set_payer(bill: Bill, payer: str, share: str) -> None:
    """Set the other payer of a locked draft and their share: "150.00", or "80%" which follows the total. "self" removes the
    payer. The total of the draft must be up to date. Raises `RuleBroken` on `payer` or `payer_share`."""
    if payer == enums.SELF:
        bill.payer, bill.payer_percent, bill.payer_share = enums.SELF, None, ZERO
        return
    if payer not in (*payer_names(), bill.payer):
        raise RuleBroken(N_("Choose a payer from the list."), "payer")
    parsed = rules.parse_share(share, bill.total)
    bill.payer, bill.payer_percent, bill.payer_share = payer, parsed.percent, parsed.amount


def merge_payer(bill: Bill, payer: str, share: str) -> None:
    """Set the payer or the share of a locked draft; of the two, an empty one stays as it is. Raises `RuleBroken` on `payer`
    for a share that nobody pays."""
    if not payer and not share:
        return
    if not payer and bill.payer == enums.SELF:
        raise RuleBroken(N_("Choose who pays this share."), "payer")
    set_payer(bill, payer or bill.payer, share or _stored_share(bill))


def _stored_share(bill: Bill) -> str:
    if bill.payer == enums.SELF:
        return ""
    return str(bill.payer_share) if bill.payer_percent is None else f"{bill.payer_percent}%"
