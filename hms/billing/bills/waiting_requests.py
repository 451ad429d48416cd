"""Ends the requests for approval that a bill leaves nothing to do for, in the action that changed the bill."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_, select, true

from hms.billing.enums import BillState, CorrectionKind, CorrectionStatus
from hms.billing.models import Bill, Correction
from hms.core import clock
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.events import Event, publish
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.messages.actions import notify

_NOTICES = {
    CorrectionKind.REFUND: N_("Your refund request ended: the bill is void"),
    CorrectionKind.VOID: N_("Your void request ended: the bill is void"),
    CorrectionKind.WRITE_OFF: N_("Your write-off request ended: nothing is left to pay on the bill"),
    CorrectionKind.DISCOUNT: N_("Your discount request ended: the bill is issued or void"),
}


def end_impossible_requests(bill: Bill, by: Person) -> None:
    """End the waiting requests of a locked bill that can never be carried out any more: a discount once the bill is no draft,
    a write-off when nothing is left to pay, every request about a void bill. Who sent them gets an alert.

    A credit of care that was not given waits on: the money is paid back first. A void waits too while the bill has payments.
    """
    waiting = select(Correction).where(
        Correction.bill_id == bill.id,
        Correction.status == CorrectionStatus.WAITING.value,
        _is_impossible(BillState(bill.status)),
    )
    requests = db.session.scalars(waiting.order_by(Correction.id).with_for_update()).all()
    for request in requests:
        set_status(request, CorrectionStatus.ENDED)
        request.decided_at, request.decided_by_id = clock.now(), by.id
    if not requests:
        return
    db.session.flush()
    publish(Event.APPROVALS_CHANGED)
    for request in requests:
        if request.proposed_by_id != by.id:
            title, url = _NOTICES[CorrectionKind(request.kind)], f"/billing/bills/{bill.id}"
            notify(request.proposed_by_id, title=title, message=by.name, url=url, by=by)


def _is_impossible(state: BillState) -> ColumnElement[bool]:
    if state == BillState.VOID:
        return true()
    is_discount = Correction.kind == CorrectionKind.DISCOUNT.value
    if state != BillState.PAID:
        return is_discount
    is_write_off = and_(Correction.kind == CorrectionKind.WRITE_OFF.value, ~Correction.is_credit)
    return or_(is_discount, is_write_off)
