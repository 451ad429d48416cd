"""What two persons decide: one asks for a refund, a void bill, a write-off or a discount above the limit, another says yes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hms.billing import enums
from hms.billing.bills import discounts, issuing
from hms.billing.bills import rules as bill_rules
from hms.billing.bills.actions import draft
from hms.billing.bills.charges import recalculate_total
from hms.billing.enums import CorrectionKind, CorrectionStatus
from hms.billing.models import Bill, Correction, Payment
from hms.billing.payments import actions, queries
from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db, get_or_not_found
from hms.core.errors import NotFound, RuleBroken
from hms.core.events import Event, publish
from hms.core.money import Money
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.messages.actions import tell
from hms.staff import directory as staff

from . import rules

DECISION_NOTICES = {
    (CorrectionKind.REFUND, CorrectionStatus.APPROVED): N_("Your refund request was approved: pay the money back"),
    (CorrectionKind.VOID, CorrectionStatus.APPROVED): N_("Your void request was approved"),
    (CorrectionKind.WRITE_OFF, CorrectionStatus.APPROVED): N_("Your write-off request was approved"),
    (CorrectionKind.DISCOUNT, CorrectionStatus.APPROVED): N_("Your discount request was approved"),
    (CorrectionKind.REFUND, CorrectionStatus.DECLINED): N_("Your refund request was declined"),
    (CorrectionKind.VOID, CorrectionStatus.DECLINED): N_("Your void request was declined"),
    (CorrectionKind.WRITE_OFF, CorrectionStatus.DECLINED): N_("Your write-off request was declined"),
    (CorrectionKind.DISCOUNT, CorrectionStatus.DECLINED): N_("Your discount request was declined"),
}


@action(Permission.PROPOSE_CORRECTION, "billing.propose_refund")
def propose_refund(
    payment_id: int, *, amount: Money | None = None, method: str | None = None, reason: str, by: Person
) -> Correction:
    """Ask that all that is left of a payment be given back, or `amount` of it."""
    paid = get_or_not_found(Payment, payment_id)
    get_for_update(Bill, paid.bill_id)
    given_back = amount if amount is not None else queries.left_of(paid)
    actions.check_refund(paid, given_back)
    way = enums.method(method) if method else enums.Method(paid.method)
    return _ask(
        CorrectionKind.REFUND, paid.bill_id, reason, by, amount=given_back, payment_id=paid.id, method=way.value
    )


@action(Permission.PROPOSE_CORRECTION, "billing.propose_void")
def propose_void(bill_id: int, *, reason: str, by: Person) -> Correction:
    """Ask that a bill be made void for which no money is held."""
    bill = get_for_update(Bill, bill_id)
    bill_rules.check_void(enums.BillState(bill.status), bill.paid, reason)
    return _ask(CorrectionKind.VOID, bill.id, reason, by)


@action(Permission.PROPOSE_CORRECTION, "billing.propose_write_off")
def propose_write_off(bill_id: int, *, amount: Money | None = None, reason: str, by: Person) -> Correction:
    """Ask that what is still owed on an issued bill be given up, or `amount` of it."""
    bill = get_for_update(Bill, bill_id)
    owed = actions.dues_of(bill).patient
    given_up = amount if amount is not None else owed
    rules.check_write_off(given_up, enums.BillState(bill.status), owed)
    return _ask(CorrectionKind.WRITE_OFF, bill.id, reason, by, amount=given_up)


@action(Permission.EDIT_BILL, "billing.ask_discount")
def ask_discount(bill_id: int, *, discount: str, reason: str, by: Person) -> Correction | None:
    """Give a discount on a draft ("10.00" or "10%"); one above the hospital's limit is asked for instead, and then the ask
    is returned."""
    bill = draft(bill_id)
    amount = discounts.asked_amount(bill.id, discount, reason)
    if discounts.is_above_limit(amount, bill.id) and by.may(Permission.PROPOSE_CORRECTION):
        return propose_discount(bill_id, discount=discount, reason=reason, by=by)
    discounts.give_discount(bill_id, discount=discount, reason=reason, by=by)
    return None


@action(Permission.PROPOSE_CORRECTION, "billing.propose_discount")
def propose_discount(bill_id: int, *, discount: str, reason: str, by: Person) -> Correction:
    """Ask for a discount on a draft, as an amount or a percentage."""
    bill = draft(bill_id)
    amount = discounts.asked_amount(bill.id, discount, reason)
    return _ask(CorrectionKind.DISCOUNT, bill.id, reason, by, amount=amount)


def _ask(kind: CorrectionKind, bill_id: int, reason: str, by: Person, **more: Any) -> Correction:
    correction = Correction(
        kind=kind.value, bill_id=bill_id, reason=rules.check_reason(reason), proposed_by_id=by.id, **more
    )
    db.session.add(correction)
    publish(Event.APPROVALS_CHANGED)
    db.session.flush()
    return correction


@action(Permission.APPROVE_CORRECTION, "billing.approve")
def approve(correction_id: int, *, by: Person) -> Correction:
    """Say yes to what another person asked for, and do it. `RuleBroken` when the bill no longer allows it."""
    correction = _undecided(correction_id, by)
    rules.check_apart(
        asker_opened_approver=staff.is_opened_lately(correction.proposed_by_id, by.id),
        approver_opened_asker=staff.is_opened_lately(by.id, correction.proposed_by_id),
    )
    _decide(correction, CorrectionStatus.APPROVED, by)
    _DONE_BY[CorrectionKind(correction.kind)](correction, by)
    return correction


@action(Permission.APPROVE_CORRECTION, "billing.decline")
def decline(correction_id: int, *, reason: str, by: Person) -> Correction:
    """Say no, with a reason, to what another person asked for."""
    correction = _undecided(correction_id, by)
    if not reason.strip():
        raise RuleBroken(N_("Enter the reason for declining."), "reason")
    correction.decision_note = reason.strip()
    _decide(correction, CorrectionStatus.DECLINED, by)
    return correction


@action(Permission.PROPOSE_CORRECTION, "billing.take_back")
def take_back(correction_id: int, *, by: Person) -> Correction:
    """Withdraw what one asked for oneself, while nobody has decided it."""
    correction = get_for_update(Correction, correction_id)
    if correction.proposed_by_id != by.id:
        raise NotFound(N_("This record does not exist."))
    rules.check_waiting(correction.status)
    _decide(correction, CorrectionStatus.WITHDRAWN, by)
    return correction


def _undecided(correction_id: int, by: Person) -> Correction:
    """The ask, its bill locked before it as in every other step at the till."""
    get_for_update(Bill, get_or_not_found(Correction, correction_id).bill_id)
    correction = get_for_update(Correction, correction_id)
    rules.check_waiting(correction.status)
    rules.check_approver(correction.proposed_by_id, by.id)
    return correction


def _decide(correction: Correction, decision: CorrectionStatus, by: Person) -> None:
    correction.status, correction.decided_at, correction.decided_by_id = decision.value, clock.now(), by.id
    db.session.flush()
    publish(Event.APPROVALS_CHANGED)
    message = DECISION_NOTICES.get((CorrectionKind(correction.kind), decision))
    if message:
        tell(
            correction.proposed_by_id, title=message, message=by.name, url=f"/billing/bills/{correction.bill_id}", by=by
        )


def _give_back(correction: Correction, _by: Person) -> None:
    actions.record_refund(correction)


def _make_void(correction: Correction, by: Person) -> None:
    issuing.make_void(get_for_update(Bill, correction.bill_id), correction.reason, by)


def _write_off(correction: Correction, _by: Person) -> None:
    bill = get_for_update(Bill, correction.bill_id)
    rules.check_write_off(correction.amount, enums.BillState(bill.status), actions.dues_of(bill).patient)
    bill.written_off = bill.written_off + correction.amount
    actions.update_balance(bill)


def _give_discount(correction: Correction, _by: Person) -> None:
    bill = get_for_update(Bill, correction.bill_id)
    bill_rules.check_editable(enums.BillState(bill.status))
    bill.discount, bill.discount_reason = correction.amount, correction.reason
    recalculate_total(bill)


_DONE_BY: dict[CorrectionKind, Callable[[Correction, Person], None]] = {
    CorrectionKind.REFUND: _give_back,
    CorrectionKind.VOID: _make_void,
    CorrectionKind.WRITE_OFF: _write_off,
    CorrectionKind.DISCOUNT: _give_discount,
}
