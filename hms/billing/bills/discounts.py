"""Discounts on drafts: what one person gives alone, and what needs a second one."""

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
from .actions import draft
from .charges import recalculate_total


@action(Permission.EDIT_BILL, "billing.give_discount")
def give_discount(bill_id: int, *, discount: str, reason: str, by: Person) -> Bill:
    """Take an amount ("10.00") or a share ("10%") off a draft; `RuleBroken` with the code "needs_approval" above the
    hospital's limit."""
    bill = draft(bill_id)
    amount = asked_amount(bill.id, discount, reason)
    if is_above_limit(amount, bill.id):
        raise _above_limit()
    bill.discount, bill.discount_reason = amount, reason.strip() if amount else ""
    recalculate_total(bill)
    return bill


def asked_amount(bill_id: int, discount: str, reason: str) -> Money:
    """The discount that was typed, in money; a discount has a reason."""
    amount = rules.discount_of(discount, queries.subtotal(bill_id))
    if amount and not reason.strip():
        raise RuleBroken(N_("Enter the reason for the discount."), "reason")
    return amount


def is_above_limit(amount: Money, bill_id: int) -> bool:
    """Whether a discount is more than one person gives alone."""
    return rules.needs_approval(amount, queries.subtotal(bill_id), settings.value("billing.discount_limit_percent"))


def check_given(bill: Bill, subtotal: Money) -> None:
    """A bill is not issued with a discount above the limit to which no second person said yes: lines may have left it."""
    limit = settings.value("billing.discount_limit_percent")
    if rules.needs_approval(bill.discount, subtotal, limit) and bill.discount > _approved(bill.id):
        raise _above_limit()


def _approved(bill_id: int) -> Money:
    """The largest discount on a bill to which a second person said yes."""
    said_yes = select(func.max(Correction.amount)).filter_by(bill_id=bill_id, kind="discount", status="approved")
    return db.session.execute(said_yes).scalar_one() or ZERO


def _above_limit() -> RuleBroken:
    message = N_("A discount above %(limit)s%% needs approval. Ask a cashier or an administrator to request it.")
    limit = settings.value("billing.discount_limit_percent")
    return RuleBroken(message, "discount", code="needs_approval", limit=limit)
