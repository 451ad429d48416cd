"""The charge of an event of care that is undone: taken off a draft, or credited on an issued bill by a second person."""

from __future__ import annotations

from decimal import ROUND_DOWN
from enum import Enum
from functools import cache

from sqlalchemy import Select, bindparam, select

from hms.billing.bills.charges import charge_again, take_off_draft
from hms.billing.enums import OPEN, BillState, CorrectionKind, CorrectionStatus
from hms.billing.models import Bill, BillLine, Correction
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict
from hms.core.money import ZERO, Money, smallest_amount
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_

from . import actions, queries
from .rules import check_reason


class ChargeUndone(Enum):
    """What happened to a charge; messages say no more than this."""

    NOT_CHARGED = "not_charged"
    OFF_DRAFT = "off_draft"
    CREDIT_REQUESTED = "credit_requested"
    NOTHING_TO_CREDIT = "nothing_to_credit"


@action(Permission.ADD_CHARGE, "billing.undo_charge")
def undo_charge(*, source: str, source_id: int, quantity: int | None = None, reason: str, by: Person) -> ChargeUndone:
    """Take the charge of an event off its draft, or request the credit of `quantity` units of it (default: all) on an
    issued bill. Another person approves the credit, like every write-off.

    Raises `Conflict` while another person's write-off of the bill waits: one bill has one such request at a time.
    """
    charged = db.session.execute(_charge_for_update(), {"source": source, "source_id": source_id}).one_or_none()
    if charged is None:
        return ChargeUndone.NOT_CHARGED
    bill, line = charged
    if bill.status == BillState.DRAFT:
        take_off_draft(bill, line, reason)
        return ChargeUndone.OFF_DRAFT
    waiting = queries.find_waiting(CorrectionKind.WRITE_OFF.value, bill.id)
    credit = _credit(bill, line, line.quantity if quantity is None else quantity)
    reason = check_reason(reason)
    requested = ZERO if waiting is None or waiting.amount is None else waiting.amount
    total = min(credit + requested, bill.total - bill.payer_share - bill.written_off)
    if credit <= ZERO or total <= requested or (bill.status not in OPEN and bill.status != BillState.PAID):
        return ChargeUndone.NOTHING_TO_CREDIT
    if waiting is not None:
        _withdraw_own(waiting, by)
        reason = f"{waiting.reason}; {reason}"
    actions.send_request(CorrectionKind.WRITE_OFF, bill.id, reason, by, amount=total, is_credit=True)
    return ChargeUndone.CREDIT_REQUESTED


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
        _check_not_credited(bill, reason)
    elif line.withdrawn_reason == reason:
        charge_again(bill.patient_id, line, encounter_id=bill.encounter_id, by=by)


def _check_not_credited(bill: Bill, reason: str) -> None:
    about = select(Correction.status).filter_by(kind=CorrectionKind.WRITE_OFF.value, bill_id=bill.id)
    statuses = set(db.session.scalars(about.where(Correction.reason.contains(reason, autoescape=True))))
    if CorrectionStatus.WAITING in statuses:
        message = N_("A credit for this waits for approval on bill %(number)s. Have it declined first, then try again.")
        raise Conflict(message, code="credit_waiting", number=bill.number)
    if CorrectionStatus.APPROVED in statuses:
        message = N_("This was credited on bill %(number)s and cannot be restored. Record it again.")
        raise Conflict(message, code="credited", number=bill.number)


def _credit(bill: Bill, line: BillLine, quantity: int) -> Money:
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
