"""The blueprints that the cashier's pages and endpoints share, and the words of states and ways to pay in templates."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hms.core.api.blueprint import ApiBlueprint
from hms.core.money import ZERO, Money
from hms.core.permissions import Permission
from hms.core.web import navigation

from .enums import (
    DECISION_WORDS,
    KIND_WORDS,
    METHOD_WORDS,
    STATE_WORDS,
    BillState,
    CorrectionKind,
    CorrectionStatus,
    Method,
)
from .models import Bill

api = ApiBlueprint("billing_api", __name__, description="Bills, payments, price list")
pages = Blueprint("billing", __name__, url_prefix="/billing")

TONES = {
    BillState.DRAFT: "neutral",
    BillState.ISSUED: "waiting",
    BillState.PART_PAID: "caution",
    BillState.PAID: "good",
    BillState.VOID: "stop",
}
DECISION_TONES = {
    CorrectionStatus.WAITING: "waiting",
    CorrectionStatus.APPROVED: "good",
    CorrectionStatus.DECLINED: "stop",
    CorrectionStatus.WITHDRAWN: "neutral",
}


@pages.app_template_global("bill_state")
def bill_state(status: str, written_off: Money = ZERO) -> tuple[str, str]:
    """Tone and words of a bill's state, for the macro `status`; a settled bill of which a part was given up says so."""
    if status == BillState.PAID and written_off:
        return "neutral", _("Written off")
    return TONES[BillState(status)], STATE_WORDS[BillState(status)]


@pages.app_template_global("payer_percent")
def payer_percent(bill: Bill) -> str:
    """ "80%", or nothing when the other payer's part is an amount."""
    return "" if bill.payer_percent is None else f"{bill.payer_percent.normalize():f}%"


@pages.app_template_global("correction_kind")
def correction_kind(kind: str) -> str:
    return KIND_WORDS[CorrectionKind(kind)]


@pages.app_template_global("correction_state")
def correction_state(status: str) -> tuple[str, str]:
    """Tone and words of an ask that a second person decides, for the macro `status`."""
    return DECISION_TONES[CorrectionStatus(status)], DECISION_WORDS[CorrectionStatus(status)]


@pages.app_template_global("method_words")
def method_words(method: str) -> str:
    return METHOD_WORDS[Method(method)]


navigation.add_entry(_l("Bills"), "billing.bills", Permission.TAKE_PAYMENT, order=50)
