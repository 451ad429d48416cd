"""What needs a second person at the till, and the words for it."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l

from hms.core.errors import Conflict, RuleBroken
from hms.core.words import _


class Kind(StrEnum):
    REFUND = "refund"
    VOID = "void"
    WRITE_OFF = "write_off"
    DISCOUNT = "discount"


class Decision(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


KIND_WORDS = {
    Kind.REFUND: _l("Refund"),
    Kind.VOID: _l("Make void"),
    Kind.WRITE_OFF: _l("Write-off"),
    Kind.DISCOUNT: _l("Discount"),
}
DECISION_WORDS = {
    Decision.WAITING: _l("Waits for a second person"),
    Decision.APPROVED: _l("Approved"),
    Decision.DECLINED: _l("Declined"),
    Decision.WITHDRAWN: _l("Taken back"),
}


def check_reason(reason: str) -> str:
    """The reason of an ask; `RuleBroken` when there is none."""
    if not reason.strip():
        raise RuleBroken(_("Say why it is needed."), "reason")
    return reason.strip()


def check_waiting(status: str) -> None:
    """A decision is made once."""
    if status != Decision.WAITING:
        raise Conflict(_("This is decided already. Look at the bill."), code="decided")
