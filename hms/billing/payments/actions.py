"""Taking money and giving it back. The bill's row is locked, so that two windows never take the same balance twice."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from hms.billing import enums
from hms.billing.bills import frozen_facts
from hms.billing.bills import rules as bill_rules
from hms.billing.bills.issuing import assign_number, freeze, series_of
from hms.billing.document_numbers import CREDIT_NOTE, RECEIPT, document_number
from hms.billing.models import Bill, Correction, Payment, PrintedCopy
from hms.billing.tills import actions
from hms.core import clock
from hms.core.actions import action
from hms.core.background.outbox import enqueue
from hms.core.db.locking import get_for_update
from hms.core.db.session import db, get_or_not_found
from hms.core.errors import RuleBroken
from hms.core.events import Event, publish
from hms.core.gapless_numbers import next_numbers
from hms.core.money import Money
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_

from . import queries, rules


@action(Permission.TAKE_PAYMENT, "billing.take_payment")
def take_payment(
    bill_id: int,
    amount: Money,
    method: str,
    reference: str = "",
    tendered: Money | None = None,
    *,
    payer: str | None = None,
    needs_reference: bool = True,
    by: Person,
) -> Payment:
    """Take `amount`, never more than is owed, and give it a receipt number. A draft is issued first, in the same step.

    `payer` is "self" or the bill's other payer, whose part it then pays; when it is not said, an insurance payment is the
    other payer's. `tendered` is the cash handed over when it is more; the change is the difference. Raises `RuleBroken` with
    the field.
    """
    chosen = enums.method(method)
    bill = get_for_update(Bill, bill_id)
    if bill.status == enums.BillState.DRAFT:
        freeze(bill, by)
    rules.check_payable(enums.BillState(bill.status))
    whose = _payer(bill, payer, chosen)
    owed = dues_of(bill)
    due = owed.patient if whose == enums.SELF else owed.payer
    rules.check_payment(amount, due, chosen, reference, tendered, needs_reference=needs_reference)
    given = tendered if chosen is enums.Method.CASH else None
    payment = Payment(bill_id=bill.id, kind="payment", amount=amount, method=chosen.value, payer=whose)
    payment.reference, payment.tendered = reference, given
    return _record(payment, bill, amount, RECEIPT, by.id)


def dues_of(bill: Bill) -> bill_rules.Dues:
    """What is still to pay on a bill, by whom."""
    return bill_rules.amounts_due(bill.total, bill.paid, bill.written_off, bill.payer_share, bill.payer_paid)


def _payer(bill: Bill, requested_payer: str | None, method: enums.Method) -> str:
    """Whose part of the bill a payment pays."""
    if requested_payer is None:
        is_claim = method is enums.Method.INSURANCE and dues_of(bill).payer
        return bill.payer if is_claim else enums.SELF
    if requested_payer not in (enums.SELF, bill.payer):
        raise RuleBroken(N_("This payer has no share of this bill."), "payer")
    return requested_payer


@action(Permission.ISSUE_BILL, "billing.payer_refused")
def payer_refused(bill_id: int, *, by: Person) -> Bill:
    """The other payer pays no more of an issued bill: what is left of their part becomes the patient's."""
    bill = get_for_update(Bill, bill_id)
    if enums.BillState(bill.status) not in enums.OPEN or bill.payer_share == bill.payer_paid:
        raise RuleBroken(N_("No other payer has anything left to pay on this bill."), code="nothing_owed")
    bill.payer_share = bill.payer_paid
    update_balance(bill)
    return bill


def check_refund(paid: Payment, amount: Money) -> None:
    """`RuleBroken` when `amount` cannot be given back of this payment, whose bill is locked."""
    if paid.kind != "payment":
        raise RuleBroken(N_("This is a refund. Choose the payment that it belongs to."), code="not_a_payment")
    rules.check_refund(amount, queries.left_of(paid))


def record_refund(correction: Correction) -> Payment:
    """Record the refund of an approved request from the requester's till; the payment is not changed."""
    bill, paid = get_for_update(Bill, correction.bill_id), get_or_not_found(Payment, correction.payment_id)
    check_refund(paid, correction.amount)
    row = Payment(
        bill_id=bill.id, kind="refund", amount=correction.amount, method=correction.method, note=correction.reason
    )
    row.refunds_id, row.correction_id, row.payer = paid.id, correction.id, paid.payer
    return _record(row, bill, -correction.amount, CREDIT_NOTE, correction.proposed_by_id)


def _record(payment: Payment, bill: Bill, change: Money, series: str, clerk_id: int | None) -> Payment:
    """Write the payment or refund, and what the bill then stands at."""
    with db.session.no_autoflush:  # a bill that was issued to be paid has no number yet
        payment.shift_id = actions.till_of(clerk_id)
    payment.received_at, payment.received_by_id = clock.now(), clerk_id
    bill.paid = bill.paid + change
    if payment.payer != enums.SELF:
        bill.payer_paid = bill.payer_paid + change
    _number(payment, bill, series)
    update_balance(bill)
    db.session.add(payment)
    db.session.flush()
    return payment


def _number(payment: Payment, bill: Bill, series: str) -> None:
    """Number the receipt or credit note, and a bill that was issued to be paid. Others wait from here on for their numbers."""
    year = clock.today().year
    needed_series = [] if bill.number else [series_of(year)]
    *of_bill, taken = next_numbers([*needed_series, f"{payment.kind}:{year}"])
    for one in of_bill:
        assign_number(bill, year, one)
    payment.number = document_number(series, year, taken)


def update_balance(bill: Bill) -> None:
    """Set the state of an issued bill after money came, went or was given up; its paper is printed anew."""
    bill.status = bill_rules.state(bill.total, bill.paid, bill.written_off).value
    bill.increment_version()
    db.session.flush()
    enqueue(frozen_facts.INVOICE, bill.id)
    publish(Event.BILL_CHANGED)


@action(Permission.READ_PAYMENTS, "billing.hand_out_receipt")
def count_receipt_print(payment_id: int, *, by: Person) -> int:
    """Count that the receipt goes to paper once more; from the second time on it says COPY. Returns how often."""
    first = insert(PrintedCopy).values(kind="receipt", ref_id=get_or_not_found(Payment, payment_id).id, copies=1)
    once_more = first.on_conflict_do_update(
        index_elements=[PrintedCopy.kind, PrintedCopy.ref_id], set_={"copies": PrintedCopy.copies + 1}
    )
    return db.session.execute(once_more.returning(PrintedCopy.copies)).scalar_one()
