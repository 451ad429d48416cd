"""The blueprints of the billing pages and endpoints, and template functions for the labels of states and payment methods."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hms.core.api.blueprint import ApiBlueprint
from hms.core.money import ZERO, Money
from hms.core.permissions import Permission
from hms.core.web import navigation

from .enums import (
    KIND_LABELS,
    METHOD_LABELS,
    STATE_LABELS,
    STATUS_LABELS,
    BillState,
    CorrectionKind,
    CorrectionStatus,
    Method,
)
from .models import Bill

api = ApiBlueprint("billing_api", __name__, description="Bills, payments, price list")
pages = Blueprint("billing", __name__, url_prefix="/billing")

STATE_TONES = {
    BillState.DRAFT: "neutral",
    BillState.ISSUED: "waiting",
    BillState.PART_PAID: "caution",
    BillState.PAID: "good",
    BillState.VOID: "stop",
}
STATUS_TONES = {
    CorrectionStatus.WAITING: "waiting",
    CorrectionStatus.APPROVED: "good",
    CorrectionStatus.DECLINED: "stop",
    CorrectionStatus.WITHDRAWN: "neutral",
    CorrectionStatus.ENDED: "neutral",
}


@pages.app_template_global("bill_state")
def bill_state(status: str, written_off: Money = ZERO, *, is_refunded: bool = False) -> tuple[str, str]:
    """Tone and label of a bill's state, for the macro `status`. A paid bill with a write-off is labelled "Written off", or
    "Refunded" when the amount was paid back."""
    if status == BillState.PAID and written_off:
        return "neutral", _("Refunded") if is_refunded else _("Written off")
    return STATE_TONES[BillState(status)], STATE_LABELS[BillState(status)]


@pages.app_template_global("payer_percent")
def payer_percent(bill: Bill) -> str:
    """The other payer's share as a percentage ("80%"); empty when the share is an amount."""
    return "" if bill.payer_percent is None else f"{bill.payer_percent.normalize():f}%"


@pages.app_template_global("correction_kind")
def correction_kind(kind: str) -> str:
    return KIND_LABELS[CorrectionKind(kind)]


@pages.app_template_global("correction_state")
def correction_state(status: str) -> tuple[str, str]:
    """Tone and label of a correction's status, for the macro `status`."""
    return STATUS_TONES[CorrectionStatus(status)], STATUS_LABELS[CorrectionStatus(status)]


@pages.app_template_global("method_label")
def method_label(method: str) -> str:
    return METHOD_LABELS[Method(method)]


navigation.add_entry(_l("Bills"), "billing.bills", Permission.TAKE_PAYMENT, order=50)
