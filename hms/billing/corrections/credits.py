"""Credits of lines of issued bills, which a second person approves; and the charge of an event of care that is undone."""

from __future__ import annotations

from decimal import ROUND_DOWN
from enum import Enum
from functools import cache

from sqlalchemy import Select, bindparam, select

from hms.billing.bills.charges import charge_again, take_off_draft
from hms.billing.enums import BillState, CorrectionKind, CorrectionStatus
from hms.billing.models import Bill, BillLine, Correction, CreditLine
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken
from hms.core.money import ZERO, Money, smallest_amount
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_

from . import actions, queries
from .rules import CREDITABLE, check_credit, check_creditable, check_reason


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
    before = queries.sum_of_credits(line)
    units = before.left if quantity is None else min(quantity, before.left)
    credited = _send_credit(bill, line, units, before, check_reason(reason), by)
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
        raise RuleBroken(N_("The bill has no such line."), "line")
    check_creditable(BillState(bill.status))
    before = queries.sum_of_credits(line)
    check_credit(quantity, before.left)
    request = _send_credit(bill, line, quantity, before, check_reason(reason), by)
    if request is None:
        raise RuleBroken(N_("Nothing of this line is left to credit on the patient's share."), code="nothing_left")
    return request


def _send_credit(
    bill: Bill, line: BillLine, quantity: int, before: queries.Credited, reason: str, by: Person
) -> Correction | None:
    """The request to credit a line of a locked bill, with what the person's own waiting request credits; None when nothing is
    left to credit. `before` is what is credited of the line already."""
    if quantity <= 0 or BillState(bill.status) not in CREDITABLE:
        return None
    waiting = queries.find_waiting(CorrectionKind.WRITE_OFF.value, bill.id)
    requested = ZERO if waiting is None or waiting.amount is None else waiting.amount
    left = bill.total - bill.payer_share - bill.written_off - requested
    if waiting is not None and (waiting.proposed_by_id != by.id or left <= ZERO):
        message = N_("A write-off of this bill is waiting for approval. Have it decided first, then try again.")
        raise Conflict(message, code="asked_already")
    amount = min(_price(bill, line, quantity, before), left)
    if amount <= ZERO:
        return None
    credited = {line.id: (quantity, amount)}
    if waiting is not None:
        actions.decide(get_for_update(Correction, waiting.id), CorrectionStatus.WITHDRAWN, by)
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
        _check_not_credited(bill, line, reason)
    elif line.withdrawn_reason == reason:
        charge_again(bill.patient_id, line, encounter_id=bill.encounter_id, by=by)


def _check_not_credited(bill: Bill, line: BillLine, reason: str) -> None:
    statuses = queries.statuses_of_credits(line, reason)
    if CorrectionStatus.WAITING in statuses:
        message = N_("A credit for this waits for approval on bill %(number)s. Have it declined first, then try again.")
        raise Conflict(message, code="credit_waiting", number=bill.number)
    if CorrectionStatus.APPROVED in statuses:
        message = N_("This was credited on bill %(number)s and cannot be restored. Record it again.")
        raise Conflict(message, code="credited", number=bill.number)


def _price(bill: Bill, line: BillLine, quantity: int, before: queries.Credited) -> Money:
    """What the patient pays of `quantity` more units of the line: their price less their parts of the discount and of the
    other payer's share. Rounded down for all units that are credited by now together, so that no part stays owed when they
    are credited one by one."""
    before_discount = (bill.total + bill.discount).value
    if not before_discount:
        return ZERO
    price = (
        (line.unit_price * (before.units + quantity)).value * (bill.total - bill.payer_share).value / before_discount
    )
    return Money(price.quantize(smallest_amount(), rounding=ROUND_DOWN)) - before.amount
