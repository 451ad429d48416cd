"""Credits of lines of issued bills, which a second person approves; and the charge of an event of care that is undone."""

from __future__ import annotations

from decimal import ROUND_DOWN
from enum import Enum
from functools import cache

from sqlalchemy import Select, bindparam, select

from hms.billing.bills.charges import charge_again, take_off_draft
from hms.billing.enums import OPEN, BillState, CorrectionKind, CorrectionStatus
from hms.billing.models import Bill, BillLine, Correction, CreditLine
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, NotFound, RuleBroken
from hms.core.money import ZERO, Money, smallest_amount
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_

from . import actions, queries
from .rules import check_credit, check_reason


class ChargeUndone(Enum):
    """What happened to a charge; messages say no more than this."""

    NOT_CHARGED = "not_charged"
    OFF_DRAFT = "off_draft"
    CREDIT_REQUESTED = "credit_requested"
    NOTHING_TO_CREDIT = "nothing_to_credit"


@action(Permission.ADD_CHARGE, "billing.undo_charge")
def undo_charge(*, source: str, source_id: int, quantity: int | None = None, reason: str, by: Person) -> ChargeUndone:
    """Take the charge of an event off its draft, or request the credit of `quantity` units of it (default: all that are not
    credited) on an issued bill. Another person approves the credit, like every write-off.

    Raises `Conflict` while another person's write-off of the bill waits: one bill has one such request at a time.
    """
    charged = db.session.execute(_charge_for_update(), {"source": source, "source_id": source_id}).one_or_none()
    if charged is None:
        return ChargeUndone.NOT_CHARGED
    bill, line = charged
    if bill.status == BillState.DRAFT:
        take_off_draft(bill, line, reason)
        return ChargeUndone.OFF_DRAFT
    left = queries.left_to_credit(line)
    credited = _send_credit(bill, line, left if quantity is None else min(quantity, left), check_reason(reason), by)
    return ChargeUndone.NOTHING_TO_CREDIT if credited is None else ChargeUndone.CREDIT_REQUESTED


@action(Permission.PROPOSE_CORRECTION, "billing.propose_credit")
def request_credit(bill_id: int, line_id: int, *, quantity: int, reason: str, by: Person) -> Correction:
    """Request the credit of `quantity` units of a line of an issued bill. A waiting credit of the same person is included in
    the new request.

    Raises `RuleBroken` when so many are not left or the patient owes nothing of them, `Conflict` while another person's
    write-off of the bill waits.
    """
    bill = get_for_update(Bill, bill_id)
    line = db.session.scalars(select(BillLine).filter_by(id=line_id, bill_id=bill_id, withdrawn_at=None)).one_or_none()
    if line is None:
        raise NotFound(N_("The bill has no such line."))
    check_credit(quantity, queries.left_to_credit(line))
    request = _send_credit(bill, line, quantity, check_reason(reason), by)
    if request is None:
        raise RuleBroken(N_("Nothing of this line is left to credit on the patient's share."), code="nothing_left")
    return request


def _send_credit(bill: Bill, line: BillLine, quantity: int, reason: str, by: Person) -> Correction | None:
    """The request to credit a line of a locked bill, with what the person's own waiting request credits; None when nothing is
    left to credit."""
    waiting = queries.find_waiting(CorrectionKind.WRITE_OFF.value, bill.id)
    requested = ZERO if waiting is None or waiting.amount is None else waiting.amount
    left = bill.total - bill.payer_share - bill.written_off - requested
    amount = min(_price(bill, line, quantity), left)
    if quantity <= 0 or amount <= ZERO or (bill.status not in OPEN and bill.status != BillState.PAID):
        return None
    credited = {line.id: (quantity, amount)}
    if waiting is not None:
        _withdraw_own(waiting, by)
        reason = f"{waiting.reason}; {reason}"
        for earlier in queries.list_credit_lines(waiting.id):
            more, sum_more = credited.get(earlier.bill_line_id, (0, ZERO))
            credited[earlier.bill_line_id] = earlier.quantity + more, earlier.amount + sum_more
    values = {"amount": requested + amount, "is_credit": True}
    request = actions.send_request(CorrectionKind.WRITE_OFF, bill.id, reason, by, **values)
    for line_id, (count, price) in sorted(credited.items()):
        db.session.add(CreditLine(correction_id=request.id, bill_line_id=line_id, quantity=count, amount=price))
    db.session.flush()
    return request


@cache
def _charge_for_update() -> Select:
    """The charge of an event and its bill, both locked, the bill first."""
    charge = (
        BillLine.source == bindparam("source"),
        BillLine.source_id == bindparam("source_id"),
        BillLine.withdrawn_at.is_(None),
    )
    query = select(Bill, BillLine).join(BillLine, BillLine.bill_id == Bill.id).where(*charge)
    return query.with_for_update().execution_options(populate_existing=True)


@action(Permission.ADD_CHARGE, "billing.restore_charge")
def restore_charge(*, source: str, source_id: int, reason: str, by: Person) -> None:
    """Undo `undo_charge` with this `reason`: charge the event again as before. An event that was never charged, or whose
    charge the cashier removed, stays without one.

    Raises `Conflict` when the credit of the charge was requested or approved.
    """
    lines = select(BillLine).filter_by(source=source, source_id=source_id).order_by(BillLine.id.desc())
    line = db.session.scalars(lines.limit(1)).one_or_none()
    if line is None:
        return
    bill = get_for_update(Bill, line.bill_id)
    db.session.refresh(line)  # lines change only while their bill is locked
    if line.withdrawn_at is None:
        _check_not_credited(bill, line)
    elif line.withdrawn_reason == reason:
        charge_again(bill.patient_id, line, encounter_id=bill.encounter_id, by=by)


def _check_not_credited(bill: Bill, line: BillLine) -> None:
    statuses = queries.statuses_of_credits(line.id)
    if CorrectionStatus.WAITING in statuses:
        message = N_("A credit for this waits for approval on bill %(number)s. Have it declined first, then try again.")
        raise Conflict(message, code="credit_waiting", number=bill.number)
    if CorrectionStatus.APPROVED in statuses:
        message = N_("This was credited on bill %(number)s and cannot be restored. Record it again.")
        raise Conflict(message, code="credited", number=bill.number)


def _price(bill: Bill, line: BillLine, quantity: int) -> Money:
    """The price of `quantity` units of the line, less their part of the discount, rounded down."""
    price = (line.unit_price * quantity).value
    before_discount = (bill.total + bill.discount).value
    if not before_discount:
        return ZERO
    return Money((price * bill.total.value / before_discount).quantize(smallest_amount(), rounding=ROUND_DOWN))


def _withdraw_own(waiting: Correction, by: Person) -> None:
    """Withdraw the person's own waiting request, which the new one includes."""
    if waiting.proposed_by_id != by.id:
        raise Conflict(
            N_("Another correction of this bill is waiting for approval. Have it decided first, then try again."),
            code="asked_already",
        )
    actions.decide(get_for_update(Correction, waiting.id), CorrectionStatus.WITHDRAWN, by)
