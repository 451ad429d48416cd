"""The blueprints that the cashier's pages and endpoints share, and the words of states and ways to pay in templates."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import gettext as _

from hms.core.api import DeskApi

from .payments import METHOD_WORDS, Method
from .rules import STATE_WORDS, BillState

api = DeskApi("billing_api", __name__, description="Bills, payments, price list")
pages = Blueprint("billing", __name__, url_prefix="/billing")

TONES = {
    BillState.DRAFT: "neutral",
    BillState.ISSUED: "waiting",
    BillState.PART_PAID: "caution",
    BillState.PAID: "good",
    BillState.VOID: "stop",
}


@pages.app_template_global("bill_state")
def bill_state(status: str) -> tuple[str, str]:
    """Tone and words of a bill's state, for the macro `status`."""
    return TONES[BillState(status)], _(STATE_WORDS[BillState(status)])


@pages.app_template_global("method_words")
def method_words(method: str) -> str:
    return _(METHOD_WORDS[Method(method)])
