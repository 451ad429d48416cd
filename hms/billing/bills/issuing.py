"""From draft to issued bill, and its end as a void one."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Select, bindparam, select, update

from hms.billing import enums
from hms.billing.document_numbers import BILL, document_number
from hms.billing.models import Bill, BillLine
from hms.core import clock
from hms.core.actions import STALE, action
from hms.core.background.outbox import enqueue
from hms.core.db.locking import get_for_update
from hms.core.db.session import db, get_or_not_found
from hms.core.errors import Conflict, StaleVersion
from hms.core.events import Event, publish
from hms.core.gapless_numbers import next_number
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.models import Patient

from . import discounts, frozen_facts, rules


@action(Permission.ISSUE_BILL, "billing.issue")
def issue(bill_id: int, *, version: int | None = None, by: Person) -> Bill:
    """Give a draft the next number of the year and freeze it; its invoice is printed after the commit."""
    bill = get_for_update(Bill, bill_id)
    if version is not None and version != bill.version:
        raise StaleVersion(STALE)
    enqueue(frozen_facts.INVOICE, bill.id)
    freeze(bill, by)
    year = clock.today().year
    assign_number(bill, year, next_number(series_of(year)))
    db.session.flush()
    return bill


def freeze(bill: Bill, by: Person) -> None:
    """A locked draft becomes an issued bill. Its `assign_number`, and to ask for its invoice, is for the caller."""
    standing = db.session.execute(_standing(), {"bill_id": bill.id, "patient_id": bill.patient_id}).all()
    lines = [rules.Line(line.unit_price, line.quantity) for line in standing]
    summed = rules.check_issue(enums.BillState(bill.status), lines, bill.discount)
    discounts.check_given(bill, summed.subtotal)
    sums = {"total": str(summed.total.value), "discount": str(bill.discount.value)}
    bill.frozen = frozen_facts.bill_snapshot(standing[0], by.name) | sums
    publish(Event.BILL_CHANGED)
    bill.status = rules.state(summed.total, bill.paid).value
    bill.total, bill.collects = summed.total, False
    bill.issued_by_id = by.id
    bill.increment_version()


def series_of(year: int) -> str:
    """The series of a year's bills. Who takes a number of it lets others who issue a bill wait: take it last."""
    return f"bill:{year}"


def assign_number(bill: Bill, year: int, taken: int) -> None:
    """Give an issued bill the number that was taken for it, and its time: bills are issued in the order of their numbers."""
    bill.number, bill.issued_at = document_number(BILL, year, taken), clock.now()


@cache
def _standing() -> Select:
    """The lines of a bill, each with whom the bill is for."""
    bill_id, patient_id = bindparam("bill_id"), bindparam("patient_id")
    lines = select(BillLine.unit_price, BillLine.quantity, *frozen_facts.NAMED)
    lines = lines.join(Patient, Patient.id == patient_id)
    return lines.where(BillLine.bill_id == bill_id, BillLine.withdrawn_at.is_(None))


@action(Permission.WITHDRAW_BILL, "billing.give_up_draft")
def discard_draft(bill_id: int, *, reason: str, by: Person) -> Bill:
    """Make a draft void. An issued bill needs a second person: `correcting.propose_void`."""
    bill = get_for_update(Bill, bill_id)
    if bill.issued_at is not None:
        raise Conflict(N_("This bill is issued. To void it, request approval."), code="needs_approval")
    return make_void(bill, reason, by)


def make_void(bill: Bill, reason: str, by: Person) -> Bill:
    """Make a locked bill void while no money is held for it. An issued one keeps its number and its lines in the books;
    the lines of a draft are withdrawn, so that what they charge can be billed again."""
    rules.check_void(enums.BillState(bill.status), bill.paid, reason)
    if bill.status == enums.BillState.DRAFT:
        standing = update(BillLine).filter_by(bill_id=bill.id, withdrawn_at=None)
        db.session.execute(standing.values(withdrawn_at=clock.now(), withdrawn_reason=reason))
    else:
        enqueue(frozen_facts.INVOICE, bill.id)
    bill.status, bill.collects = enums.BillState.VOID.value, False
    bill.void_reason, bill.voided_at, bill.voided_by_id = reason.strip(), clock.now(), by.id
    bill.increment_version()
    publish(Event.BILL_CHANGED)
    db.session.flush()
    return bill


@action(Permission.READ_BILL, "billing.ask_for_invoice")
def ask_for_invoice(bill_id: int, *, by: Person) -> None:
    """Have the bill's invoice made as the bill stands now; asked twice while it waits, it is made once."""
    enqueue(frozen_facts.INVOICE, get_or_not_found(Bill, bill_id).id)
