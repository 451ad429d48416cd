"""Taking money and giving it back. The bill's row is locked, so that two windows never take the same balance twice."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from hms.billing import enums
from hms.billing.bills import frozen_facts
from hms.billing.bills import rules as bill_rules
from hms.billing.bills.issuing import freeze, number, series_of
from hms.billing.document_numbers import CREDIT_NOTE, RECEIPT, document_number
from hms.billing.models import Bill, Correction, Payment, PrintedCopy
from hms.billing.tills import actions
from hms.core import clock
from hms.core.actions import action
from hms.core.background.outbox import later
from hms.core.db.locking import locked
from hms.core.db.session import db, found
from hms.core.errors import RuleBroken
from hms.core.events import Alert, alert
from hms.core.gapless_numbers import take_each
from hms.core.money import Money
from hms.core.permissions import Action
from hms.core.person import Person
from hms.core.text.translation import _

from . import queries, rules


@action(Action.TAKE_PAYMENT, "billing.take_payment")
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
    bill = locked(Bill, bill_id)
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
    return _book(payment, bill, amount, RECEIPT, by.id)


def dues_of(bill: Bill) -> bill_rules.Dues:
    """What is still to pay on a bill, by whom."""
    return bill_rules.dues(bill.total, bill.paid, bill.written_off, bill.payer_share, bill.payer_paid)


def _payer(bill: Bill, asked: str | None, method: enums.Method) -> str:
    """Whose part of the bill a payment pays."""
    if asked is None:
        is_claim = method is enums.Method.INSURANCE and dues_of(bill).payer
        return bill.payer if is_claim else enums.SELF
    if asked not in (enums.SELF, bill.payer):
        raise RuleBroken(_("This payer has no part in the bill."), "payer")
    return asked


@action(Action.ISSUE_BILL, "billing.payer_refused")
def payer_refused(bill_id: int, *, by: Person) -> Bill:
    """The other payer pays no more of an issued bill: what is left of their part becomes the patient's."""
    bill = locked(Bill, bill_id)
    if enums.BillState(bill.status) not in enums.OPEN or bill.payer_share == bill.payer_paid:
        raise RuleBroken(_("Nothing is left that another payer owes on this bill."), code="nothing_owed")
    bill.payer_share = bill.payer_paid
    settle(bill)
    return bill


def check_refund(paid: Payment, amount: Money) -> None:
    """`RuleBroken` when `amount` cannot be given back of this payment, whose bill is locked."""
    if paid.kind != "payment":
        raise RuleBroken(_("This is a refund itself. Choose the payment it belongs to."), code="not_a_payment")
    rules.check_refund(amount, queries.left_of(paid))


def book_refund(asked: Correction) -> Payment:
    """Give back what an approved ask says, out of the till of whoever asked; the payment itself stays as it was."""
    bill, paid = locked(Bill, asked.bill_id), found(Payment, asked.payment_id)
    check_refund(paid, asked.amount)
    row = Payment(bill_id=bill.id, kind="refund", amount=asked.amount, method=asked.method, note=asked.reason)
    row.refunds_id, row.correction_id, row.payer = paid.id, asked.id, paid.payer
    return _book(row, bill, -asked.amount, CREDIT_NOTE, asked.proposed_by_id)


def _book(payment: Payment, bill: Bill, change: Money, series: str, clerk_id: int | None) -> Payment:
    """Write the payment or refund, and what the bill then stands at."""
    with db.session.no_autoflush:  # a bill that was issued to be paid has no number yet
        payment.shift_id = actions.till_of(clerk_id)
    payment.received_at, payment.received_by_id = clock.now(), clerk_id
    bill.paid = bill.paid + change
    if payment.payer != enums.SELF:
        bill.payer_paid = bill.payer_paid + change
    _number(payment, bill, series)
    settle(bill)
    db.session.add(payment)
    db.session.flush()
    return payment


def _number(payment: Payment, bill: Bill, series: str) -> None:
    """Number the receipt or credit note, and a bill that was issued to be paid. Others wait from here on for their numbers."""
    year = clock.today().year
    wanted = [] if bill.number else [series_of(year)]
    *of_bill, taken = take_each([*wanted, f"{payment.kind}:{year}"])
    for one in of_bill:
        number(bill, year, one)
    payment.number = document_number(series, year, taken)


def settle(bill: Bill) -> None:
    """Set the state of an issued bill after money came, went or was given up; its paper is printed anew."""
    bill.status = bill_rules.state(bill.total, bill.paid, bill.written_off).value
    bill.changed()
    db.session.flush()
    later(frozen_facts.INVOICE, bill.id)
    alert(Alert.BILL_CHANGED)


@action(Action.READ_PAYMENTS, "billing.hand_out_receipt")
def hand_out_receipt(payment_id: int, *, by: Person) -> int:
    """Count that the receipt goes to paper once more; from the second time on it says COPY. Returns how often."""
    first = insert(PrintedCopy).values(kind="receipt", ref_id=found(Payment, payment_id).id, copies=1)
    once_more = first.on_conflict_do_update(
        index_elements=[PrintedCopy.kind, PrintedCopy.ref_id], set_={"copies": PrintedCopy.copies + 1}
    )
    return db.session.execute(once_more.returning(PrintedCopy.copies)).scalar_one()
