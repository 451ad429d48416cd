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


STATE_LABELS = {
    BillState.DRAFT: _l("Draft"),
    BillState.ISSUED: _l("To pay"),
    BillState.PART_PAID: _l("Part paid"),
    BillState.PAID: _l("Paid"),
    BillState.VOID: _l("Void"),
}
OPEN = frozenset({BillState.ISSUED, BillState.PART_PAID})
"""Issued bills with an amount left to pay."""


BILL_TRANSITIONS = {
    BillState.DRAFT: frozenset(BillState) - {BillState.DRAFT},
    BillState.ISSUED: frozenset({BillState.PART_PAID, BillState.PAID, BillState.VOID}),
    BillState.PART_PAID: frozenset({BillState.ISSUED, BillState.PAID}),
    BillState.PAID: frozenset({BillState.ISSUED, BillState.PART_PAID, BillState.VOID}),
    BillState.VOID: frozenset[BillState](),
}
"""The states that may follow each one. A payment issues a draft in the same step. Backward changes are refunds.

Only a bill without payments is voided, also one that counts as paid because nothing of it is left to pay.
"""


SELF = "self"
"""The payer code of the patient: of a bill without another payer, and of the patient's own payments."""


class Method(StrEnum):
    """Payment methods, as the API writes them."""

    CASH = "Cash"
    CARD = "Card"
    INSURANCE = "Insurance"
    MOBILE_MONEY = "Mobile Money"
    BANK = "Bank"
    OTHER = "Other"


METHOD_LABELS = {
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


def parse_method(text: str | None, field: str = "method") -> Method:
    """The payment method in any spelling: "cash", "MOBILE_MONEY", "mobile money", "momo". Raises `RuleBroken` on `field` when
    it is unknown."""
    word = "".join(c for c in (text or "").casefold() if c.isalnum())
    methods = {m.value.casefold().replace(" ", ""): m for m in Method} | _OTHER_SPELLINGS
    if word not in methods:
        raise RuleBroken(N_("Choose Cash, Card, Insurance, Mobile Money, Bank or Other."), field)
    return methods[word]


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
    ENDED = "ended"
    """What it asked for can no longer be done."""


CORRECTION_TRANSITIONS = {
    CorrectionStatus.WAITING: frozenset(CorrectionStatus) - {CorrectionStatus.WAITING},
    CorrectionStatus.APPROVED: frozenset[CorrectionStatus](),
    CorrectionStatus.DECLINED: frozenset[CorrectionStatus](),
    CorrectionStatus.WITHDRAWN: frozenset[CorrectionStatus](),
    CorrectionStatus.ENDED: frozenset[CorrectionStatus](),
}
"""The states that may follow each one. A decision is final."""
KIND_LABELS = {
    CorrectionKind.REFUND: _l("Refund"),
    CorrectionKind.VOID: _l("Void"),
    CorrectionKind.WRITE_OFF: _l("Write-off"),
    CorrectionKind.DISCOUNT: _l("Discount"),
}
STATUS_LABELS = {
    CorrectionStatus.WAITING: _l("Waiting for approval"),
    CorrectionStatus.APPROVED: _l("Approved"),
    CorrectionStatus.DECLINED: _l("Declined"),
    CorrectionStatus.WITHDRAWN: _l("Withdrawn"),
    CorrectionStatus.ENDED: _l("No longer possible"),
}
