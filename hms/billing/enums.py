"""Closed sets of values of bills, payments and corrections, with their labels."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

BILL_IS_FULL = N_("A bill can have at most 99,999,999.99. Issue this bill and put the rest on a new one.")


class BillState(StrEnum):
    DRAFT = "draft"
    ISSUED = "issued"
    PART_PAID = "part_paid"
    PAID = "paid"
    VOID = "void"


STATE_WORDS = {
    BillState.DRAFT: _l("Draft"),
    BillState.ISSUED: _l("To pay"),
    BillState.PART_PAID: _l("Part paid"),
    BillState.PAID: _l("Paid"),
    BillState.VOID: _l("Void"),
}
OPEN = frozenset({BillState.ISSUED, BillState.PART_PAID})
"""Issued, and something may still be owed."""


SELF = "self"
"""The payer of a bill that nobody else helps to pay, and of a patient's own payment."""


class Method(StrEnum):
    """The ways to pay, as the API writes them."""

    CASH = "Cash"
    CARD = "Card"
    INSURANCE = "Insurance"
    MOBILE_MONEY = "Mobile Money"
    BANK = "Bank"
    OTHER = "Other"


METHOD_WORDS = {
    Method.CASH: _l("Cash"),
    Method.CARD: _l("Card"),
    Method.INSURANCE: _l("Insurance"),
    Method.MOBILE_MONEY: _l("Mobile money"),
    Method.BANK: _l("Bank"),
    Method.OTHER: _l("Other"),
}
_OTHER_SPELLINGS = {
    "mobile": Method.MOBILE_MONEY,
    "momo": Method.MOBILE_MONEY,
    "orangemoney": Method.MOBILE_MONEY,
    "africellmoney": Method.MOBILE_MONEY,
    "banktransfer": Method.BANK,
    "transfer": Method.BANK,
    "creditcard": Method.CARD,
    "debitcard": Method.CARD,
}


def method(text: str | None, field: str = "method") -> Method:
    """The way to pay that was named: "cash", "MOBILE_MONEY", "mobile money", "momo"; `RuleBroken` when unknown."""
    word = "".join(c for c in (text or "").casefold() if c.isalnum())
    known = {m.value.casefold().replace(" ", ""): m for m in Method} | _OTHER_SPELLINGS
    if word not in known:
        raise RuleBroken(N_("Choose Cash, Card, Insurance, Mobile Money, Bank or Other."), field)
    return known[word]


class CorrectionKind(StrEnum):
    REFUND = "refund"
    VOID = "void"
    WRITE_OFF = "write_off"
    DISCOUNT = "discount"


class CorrectionStatus(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


KIND_WORDS = {
    CorrectionKind.REFUND: _l("Refund"),
    CorrectionKind.VOID: _l("Void"),
    CorrectionKind.WRITE_OFF: _l("Write-off"),
    CorrectionKind.DISCOUNT: _l("Discount"),
}
DECISION_WORDS = {
    CorrectionStatus.WAITING: _l("Waiting for approval"),
    CorrectionStatus.APPROVED: _l("Approved"),
    CorrectionStatus.DECLINED: _l("Declined"),
    CorrectionStatus.WITHDRAWN: _l("Withdrawn"),
}
