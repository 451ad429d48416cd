"""Discounts on drafts, and the limit above which they need approval."""

from __future__ import annotations

from sqlalchemy import func, select

from hms.billing.models import Bill, Correction
from hms.core.actions import action
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.money import ZERO, Money
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text.translation import N_

from . import queries, rules
from .actions import get_draft_for_update
from .charges import recalculate_total


@action(Permission.EDIT_BILL, "billing.give_discount")
def give_discount(bill_id: int, *, discount: str, reason: str, by: Person) -> Bill:
    """Set the discount of a draft: an amount ("10.00") or a percentage ("10%"). Raises `RuleBroken` with the code
    "needs_approval" above the hospital's limit."""
    bill = get_draft_for_update(bill_id)
    amount = read_discount(bill.id, discount, reason)
    if is_above_limit(amount, bill.id):
        raise _above_limit()
    bill.discount, bill.discount_reason = amount, reason.strip() if amount else ""
    recalculate_total(bill)
    return bill


def read_discount(bill_id: int, discount: str, reason: str) -> Money:
    """The amount of a discount that is typed as an amount or a percentage; `RuleBroken` when it has no reason."""
    amount = rules.parse_discount(discount, queries.subtotal(bill_id))
    if amount and not reason.strip():
        raise RuleBroken(N_("Enter the reason for the discount."), "reason")
    return amount


def is_above_limit(amount: Money, bill_id: int) -> bool:
    """Whether a discount needs approval."""
    return rules.is_above_limit(amount, queries.subtotal(bill_id), settings.value("billing.discount_limit_percent"))


def check_approved(bill: Bill, subtotal: Money) -> None:
    """Raise `RuleBroken` when the discount is above the limit and was not approved.

    A discount may come above the limit when lines are removed after it was given.
    """
    limit = settings.value("billing.discount_limit_percent")
    if rules.is_above_limit(bill.discount, subtotal, limit) and bill.discount > _approved_discount(bill.id):
        raise _above_limit()


def _approved_discount(bill_id: int) -> Money:
    """The largest approved discount of a bill."""
    largest = select(func.max(Correction.amount)).filter_by(bill_id=bill_id, kind="discount", status="approved")
    return db.session.execute(largest).scalar_one() or ZERO


def _above_limit() -> RuleBroken:
    message = N_("A discount above %(limit)s%% needs approval. Ask a cashier or an administrator to request it.")
    limit = settings.value("billing.discount_limit_percent")
    return RuleBroken(message, "discount", code="needs_approval", limit=limit)
