"""Requests for a refund, a void, a write-off or a large discount, and their approval by a second person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hms.billing import enums
from hms.billing.bills import discounts, issuing
from hms.billing.bills import rules as bill_rules
from hms.billing.bills.actions import get_draft_for_update
from hms.billing.bills.charges import recalculate_total
from hms.billing.enums import CorrectionKind, CorrectionStatus
from hms.billing.models import Bill, Correction, Payment
from hms.billing.payments import actions, queries
from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db, get_or_not_found
from hms.core.db.status import set_status
from hms.core.errors import NotFound, RuleBroken
from hms.core.events import Event, publish
from hms.core.money import Money
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.messages.actions import notify
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
def request_refund(
    payment_id: int,
    *,
    amount: Money | None = None,
    method: str | None = None,
    reason: str,
    is_credit: bool = False,
    by: Person,
) -> Correction:
    """Request the refund of `amount`, or of all that is left of a payment, by `method` or the payment's own.

    With `is_credit` the patient does not owe the amount any more; else it is to pay again once it is paid back.
    """
    payment = get_or_not_found(Payment, payment_id)
    get_for_update(Bill, payment.bill_id)
    refunded = amount if amount is not None else queries.left_to_refund(payment)
    actions.check_refund(payment, refunded, is_credit=is_credit)
    refund_method = enums.parse_method(method) if method else enums.Method(payment.method)
    return send_request(
        CorrectionKind.REFUND,
        payment.bill_id,
        reason,
        by,
        amount=refunded,
        payment_id=payment.id,
        method=refund_method.value,
        is_credit=is_credit,
    )


@action(Permission.PROPOSE_CORRECTION, "billing.propose_void")
def request_void(bill_id: int, *, reason: str, by: Person) -> Correction:
    """Request that a bill without payments is voided."""
    bill = get_for_update(Bill, bill_id)
    bill_rules.check_void(enums.BillState(bill.status), bill.paid, reason)
    return send_request(CorrectionKind.VOID, bill.id, reason, by)


@action(Permission.PROPOSE_CORRECTION, "billing.propose_write_off")
def request_write_off(bill_id: int, *, amount: Money | None = None, reason: str, by: Person) -> Correction:
    """Request the write-off of `amount`, or of all that the patient owes on an issued bill."""
    bill = get_for_update(Bill, bill_id)
    owed = actions.dues_of(bill).patient
    written_off = amount if amount is not None else owed
    rules.check_write_off(written_off, enums.BillState(bill.status), owed)
    return send_request(CorrectionKind.WRITE_OFF, bill.id, reason, by, amount=written_off)


@action(Permission.EDIT_BILL, "billing.ask_discount")
def give_or_request_discount(bill_id: int, *, discount: str, reason: str, by: Person) -> Correction | None:
    """Give a discount on a draft ("10.00" or "10%"). A discount above the hospital's limit is requested instead, and the
    request is returned."""
    bill = get_draft_for_update(bill_id)
    amount = discounts.read_discount(bill.id, discount, reason)
    if discounts.is_above_limit(amount, bill.id) and by.may(Permission.PROPOSE_CORRECTION):
        return request_discount(bill_id, discount=discount, reason=reason, by=by)
    discounts.give_discount(bill_id, discount=discount, reason=reason, by=by)
    return None


@action(Permission.PROPOSE_CORRECTION, "billing.propose_discount")
def request_discount(bill_id: int, *, discount: str, reason: str, by: Person) -> Correction:
    """Request a discount on a draft ("10.00" or "10%"), also one below the limit."""
    bill = get_draft_for_update(bill_id)
    amount = discounts.read_discount(bill.id, discount, reason)
    return send_request(CorrectionKind.DISCOUNT, bill.id, reason, by, amount=amount)


def send_request(kind: CorrectionKind, bill_id: int, reason: str, by: Person, **columns: Any) -> Correction:
    """Store a request of `by` and show it to those who may approve it. The caller has checked it and holds the permission."""
    correction = Correction(
        kind=kind.value, bill_id=bill_id, reason=rules.check_reason(reason), proposed_by_id=by.id, **columns
    )
    db.session.add(correction)
    publish(Event.APPROVALS_CHANGED)
    db.session.flush()
    return correction


@action(Permission.APPROVE_CORRECTION, "billing.approve")
def approve(correction_id: int, *, by: Person) -> Correction:
    """Approve another person's request and carry it out. Raises `RuleBroken` when the bill no longer allows it, `Conflict` when
    the request is decided already."""
    correction = _lock_undecided(correction_id, by)
    rules.check_independent(
        requester_opened_approver=staff.is_opened_lately(correction.proposed_by_id, by.id),
        approver_opened_requester=staff.is_opened_lately(by.id, correction.proposed_by_id),
    )
    decide(correction, CorrectionStatus.APPROVED, by)
    _APPLY[CorrectionKind(correction.kind)](correction, by)
    return correction


@action(Permission.APPROVE_CORRECTION, "billing.decline")
def decline(correction_id: int, *, reason: str, by: Person) -> Correction:
    """Decline another person's request, with a reason."""
    correction = _lock_undecided(correction_id, by)
    if not reason.strip():
        raise RuleBroken(N_("Enter the reason for declining."), "reason")
    correction.decision_note = reason.strip()
    decide(correction, CorrectionStatus.DECLINED, by)
    return correction


@action(Permission.PROPOSE_CORRECTION, "billing.take_back")
def withdraw_request(correction_id: int, *, by: Person) -> Correction:
    """Withdraw the person's own request before it is decided; `NotFound` for the request of another person."""
    correction = get_for_update(Correction, correction_id)
    if correction.proposed_by_id != by.id:
        raise NotFound(N_("This request does not exist."))
    rules.check_waiting(correction.status)
    decide(correction, CorrectionStatus.WITHDRAWN, by)
    return correction


def _lock_undecided(correction_id: int, by: Person) -> Correction:
    """The request, locked after its bill, in the lock order of all billing actions."""
    get_for_update(Bill, get_or_not_found(Correction, correction_id).bill_id)
    correction = get_for_update(Correction, correction_id)
    rules.check_waiting(correction.status)
    rules.check_approver(correction.proposed_by_id, by.id)
    return correction


def decide(correction: Correction, decision: CorrectionStatus, by: Person) -> None:
    """Store a decision and send it to the person of the request."""
    set_status(correction, decision)
    correction.decided_at, correction.decided_by_id = clock.now(), by.id
    db.session.flush()
    publish(Event.APPROVALS_CHANGED)
    message = DECISION_NOTICES.get((CorrectionKind(correction.kind), decision))
    if message:
        notify(
            correction.proposed_by_id, title=message, message=by.name, url=f"/billing/bills/{correction.bill_id}", by=by
        )


def _apply_refund(correction: Correction, by: Person) -> None:
    actions.record_refund(correction, by)


def _apply_void(correction: Correction, by: Person) -> None:
    issuing.void_locked_bill(get_for_update(Bill, correction.bill_id), correction.reason, by)


def _apply_write_off(correction: Correction, by: Person) -> None:
    bill = get_for_update(Bill, correction.bill_id)
    rules.check_write_off(correction.amount, enums.BillState(bill.status), actions.dues_of(bill).patient)
    bill.written_off = bill.written_off + correction.amount
    actions.update_balance(bill, by)


def _apply_discount(correction: Correction, _by: Person) -> None:
    bill = get_for_update(Bill, correction.bill_id)
    bill_rules.check_editable(enums.BillState(bill.status))
    bill.discount, bill.discount_reason = correction.amount, correction.reason
    recalculate_total(bill)


_APPLY: dict[CorrectionKind, Callable[[Correction, Person], None]] = {
    CorrectionKind.REFUND: _apply_refund,
    CorrectionKind.VOID: _apply_void,
    CorrectionKind.WRITE_OFF: _apply_write_off,
    CorrectionKind.DISCOUNT: _apply_discount,
}
