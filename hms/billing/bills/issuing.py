"""Issues drafts, voids bills and requests their invoices."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Select, bindparam, select, update

from hms.billing import enums
from hms.billing.document_numbers import BILL, document_number
from hms.billing.models import Bill, BillLine
from hms.billing.printed_copies import count_print
from hms.core import clock
from hms.core.actions import STALE_MESSAGE, action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db, get_or_not_found
from hms.core.db.status import set_status
from hms.core.errors import Conflict, StaleVersion
from hms.core.events import Event, publish
from hms.core.gapless_numbers import YearlyNumber, take_yearly_numbers
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.models import Patient

from . import discounts, frozen_facts, rules
from .invoice_requests import request_invoice
from .waiting_requests import end_impossible_requests


@action(Permission.ISSUE_BILL, "billing.issue")
def issue(bill_id: int, *, version: int | None = None, by: Person) -> Bill:
    """Issue a draft: it gets the next number of the year and does not change any more. A job creates its invoice."""
    bill = get_for_update(Bill, bill_id)
    if version is not None and version != bill.version:
        raise StaleVersion(STALE_MESSAGE)
    request_invoice(bill.id)
    freeze(bill, by)
    assign_number(bill, take_yearly_numbers([BILL_SERIES])[0])
    db.session.flush()
    end_impossible_requests(bill, by)
    return bill


def freeze(bill: Bill, by: Person) -> None:
    """Turn a locked draft into an issued bill. The caller assigns its number (`assign_number`) and enqueues its invoice."""
    rows = db.session.execute(_lines_with_patient(), {"bill_id": bill.id, "patient_id": bill.patient_id}).all()
    lines = [rules.Line(row.unit_price, row.quantity) for row in rows]
    totals = rules.check_issue(enums.BillState(bill.status), lines, bill.discount)
    discounts.check_approved(bill, totals.subtotal)
    amounts = {"total": str(totals.total.value), "discount": str(bill.discount.value)}
    bill.frozen = frozen_facts.bill_snapshot(rows[0], by.name) | amounts
    publish(Event.BILL_CHANGED)
    set_status(bill, rules.state(totals.total, bill.paid))
    bill.total, bill.collects = totals.total, False
    bill.issued_by_id = by.id
    bill.increment_version()


BILL_SERIES = "bill"
"""The number series of bills. Taking a number locks the year's series until the commit: take it last."""


def assign_number(bill: Bill, taken: YearlyNumber) -> None:
    """Set the number and the time of issue together, so that bills are issued in the order of their numbers."""
    bill.number, bill.issued_at = document_number(BILL, taken.year, taken.number), taken.at


@cache
def _lines_with_patient() -> Select:
    """The active lines of a bill, each with the columns of its patient."""
    bill_id, patient_id = bindparam("bill_id"), bindparam("patient_id")
    lines = select(BillLine.unit_price, BillLine.quantity, *frozen_facts.PATIENT_COLUMNS)
    lines = lines.join(Patient, Patient.id == patient_id)
    return lines.where(BillLine.bill_id == bill_id, BillLine.withdrawn_at.is_(None))


@action(Permission.WITHDRAW_BILL, "billing.give_up_draft")
def discard_draft(bill_id: int, *, reason: str, by: Person) -> Bill:
    """Void a draft. Raises `Conflict` for an issued bill, which needs approval: `corrections.actions.request_void`."""
    bill = get_for_update(Bill, bill_id)
    if bill.issued_at is not None:
        raise Conflict(N_("This bill is issued. To void it, request approval."), code="needs_approval")
    return void_locked_bill(bill, reason, by)


def void_locked_bill(bill: Bill, reason: str, by: Person) -> Bill:
    """Void a locked bill that has no payments. An issued bill keeps its number and lines. The lines of a draft are withdrawn,
    so that their events of care can be charged again."""
    rules.check_void(enums.BillState(bill.status), bill.paid, reason)
    if bill.status == enums.BillState.DRAFT:
        lines = update(BillLine).filter_by(bill_id=bill.id, withdrawn_at=None)
        db.session.execute(lines.values(withdrawn_at=clock.now(), withdrawn_reason=reason))
    else:
        request_invoice(bill.id)
    set_status(bill, enums.BillState.VOID)
    bill.collects = False
    bill.void_reason, bill.voided_at, bill.voided_by_id = reason.strip(), clock.now(), by.id
    bill.increment_version()
    publish(Event.BILL_CHANGED)
    db.session.flush()
    end_impossible_requests(bill, by)
    return bill


@action(Permission.READ_BILL, "billing.reprint_invoice")
def reprint_invoice(bill_id: int, *, by: Person) -> int:
    """Enqueue the invoice of an issued bill again, marked COPY, and return the number of the copy. A draft has no copies."""
    if get_or_not_found(Bill, bill_id).number is None:
        raise Conflict(N_("Only the invoice of an issued bill is printed again."), code="not_issued")
    request_invoice(bill_id)
    return count_print("invoice", bill_id)


@action(Permission.READ_BILL, "billing.ask_for_invoice")
def ask_for_invoice(bill_id: int, *, by: Person) -> None:
    """Enqueue the invoice of the bill as it is now. A second request while the first waits adds no second job."""
    request_invoice(get_or_not_found(Bill, bill_id).id)
