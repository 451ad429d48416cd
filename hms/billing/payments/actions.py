"""Takes payments and records refunds. Each locks the bill first, so that the same balance is never paid twice."""

from __future__ import annotations

from hms.billing import enums
from hms.billing.bills import rules as bill_rules
from hms.billing.bills.invoice_requests import request_invoice
from hms.billing.bills.issuing import BILL_SERIES, assign_number, freeze
from hms.billing.bills.waiting_requests import end_impossible_requests
from hms.billing.document_numbers import CREDIT_NOTE, RECEIPT, document_number
from hms.billing.models import Bill, Correction, Payment
from hms.billing.printed_copies import count_print
from hms.billing.tills import actions
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db, get_or_not_found
from hms.core.db.status import set_status
from hms.core.errors import RuleBroken
from hms.core.events import Event, publish
from hms.core.gapless_numbers import take_yearly_numbers
from hms.core.money import ZERO, Money
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
    """Take a payment of `amount`, at most what the payer owes, and number its receipt. A draft is issued in the same
    transaction.

    `payer` is "self" or the bill's other payer. Without it, an insurance payment is the other payer's and any other payment the
    patient's. `tendered` is the cash received when it is more than the amount; the difference is the change. Raises
    `RuleBroken` with the field.
    """
    parsed_method = enums.parse_method(method)
    bill = get_for_update(Bill, bill_id)
    if bill.status == enums.BillState.DRAFT:
        freeze(bill, by)
    rules.check_payable(enums.BillState(bill.status))
    payer_code = _payer(bill, payer, parsed_method)
    dues = dues_of(bill)
    due = dues.patient if payer_code == enums.SELF else dues.payer
    rules.check_payment(amount, due, parsed_method, reference, tendered, needs_reference=needs_reference)
    payment = Payment(
        bill_id=bill.id,
        kind="payment",
        amount=amount,
        method=parsed_method.value,
        payer=payer_code,
        reference=reference,
    )
    payment.tendered = tendered if parsed_method is enums.Method.CASH else None
    return _record(payment, bill, amount, RECEIPT, by.id, by)


def dues_of(bill: Bill) -> bill_rules.Dues:
    """The amounts left to pay on a bill by the patient and by the other payer."""
    return bill_rules.amounts_due(bill.total, bill.paid, bill.written_off, bill.payer_share, bill.payer_paid)


def _payer(bill: Bill, requested_payer: str | None, method: enums.Method) -> str:
    """The payer whose part of the bill a payment pays."""
    if requested_payer is None:
        is_claim = method is enums.Method.INSURANCE and dues_of(bill).payer
        return bill.payer if is_claim else enums.SELF
    if requested_payer not in (enums.SELF, bill.payer):
        raise RuleBroken(N_("This payer has no share of this bill."), "payer")
    return requested_payer


@action(Permission.ISSUE_BILL, "billing.payer_refused")
def move_share_to_patient(bill_id: int, *, by: Person) -> Bill:
    """Move what the other payer has not paid of an issued bill to the patient."""
    bill = get_for_update(Bill, bill_id)
    if enums.BillState(bill.status) not in enums.OPEN or bill.payer_share == bill.payer_paid:
        raise RuleBroken(N_("No other payer has anything left to pay on this bill."), code="nothing_owed")
    bill.payer_share = bill.payer_paid
    update_balance(bill, by)
    return bill


def check_refund(payment: Payment, amount: Money, *, is_credit: bool = False) -> None:
    """Raise `RuleBroken` when `amount` of the payment cannot be refunded, or credited with the refund. The caller has locked
    its bill."""
    if payment.kind != "payment":
        raise RuleBroken(N_("This is a refund. Choose the payment that it belongs to."), code="not_a_payment")
    rules.check_refund(amount, queries.left_to_refund(payment))
    if is_credit and payment.payer != enums.SELF:
        message = N_("Only what the patient paid can be credited. Another payer's share stays to pay.")
        raise RuleBroken(message, "is_credit", code="payers_share")


def record_refund(correction: Correction, by: Person) -> Payment:
    """Record the refund of an approved request, from the requester's till. The payment does not change. When the charge is
    not owed any more, the amount is written off in the same step, so that the bill is not to pay again."""
    bill, payment = get_for_update(Bill, correction.bill_id), get_or_not_found(Payment, correction.payment_id)
    check_refund(payment, correction.amount, is_credit=correction.is_credit)
    refund = Payment(
        bill_id=bill.id, kind="refund", amount=correction.amount, method=correction.method, note=correction.reason
    )
    refund.refunds_id, refund.correction_id, refund.payer = payment.id, correction.id, payment.payer
    credited = correction.amount if correction.is_credit else ZERO
    return _record(refund, bill, -correction.amount, CREDIT_NOTE, correction.proposed_by_id, by, credited)


def _record(
    payment: Payment,
    bill: Bill,
    change: Money,
    series: str,
    clerk_id: int | None,
    by: Person,
    credited: Money = ZERO,
) -> Payment:
    """Insert a payment or refund and add `change` to what is paid on the bill."""
    with db.session.no_autoflush:  # a draft that this payment issues has no number yet
        payment.shift_id = actions.lock_open_till(clerk_id)
    payment.received_by_id = clerk_id
    bill.paid, bill.written_off = bill.paid + change, bill.written_off + credited
    if payment.payer != enums.SELF:
        bill.payer_paid = bill.payer_paid + change
    _number(payment, bill, series)
    db.session.add(payment)
    update_balance(bill, by)
    return payment


def _number(payment: Payment, bill: Bill, series: str) -> None:
    """Number and date the receipt or credit note, and the bill when this payment issued it.

    The number series stay locked until the commit.
    """
    needed_series = [] if bill.number else [BILL_SERIES]
    *bill_numbers, taken = take_yearly_numbers([*needed_series, payment.kind])
    for bill_number in bill_numbers:
        assign_number(bill, bill_number)
    payment.number, payment.received_at = document_number(series, taken.year, taken.number), taken.at


def update_balance(bill: Bill, by: Person) -> None:
    """Set the state of an issued bill after its amounts changed, enqueue its new invoice, and end the requests for approval
    that can no longer be carried out."""
    set_status(bill, bill_rules.state(bill.total, bill.paid, bill.written_off))
    bill.increment_version()
    db.session.flush()
    request_invoice(bill.id)
    publish(Event.BILL_CHANGED)
    end_impossible_requests(bill, by)


@action(Permission.READ_PAYMENTS, "billing.hand_out_receipt")
def count_receipt_print(payment_id: int, *, by: Person) -> int:
    """Count one more print of a receipt and return how often it was printed. From the second print on it says COPY."""
    return count_print("receipt", get_or_not_found(Payment, payment_id).id)
