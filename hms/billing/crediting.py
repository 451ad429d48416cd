"""Taking back a charge of care: what was charged for an event that did not stand."""

from __future__ import annotations

from sqlalchemy import select

from hms.core import clock
from hms.core.actions import action
from hms.core.db import db
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.records import locked

from .charging import re_add
from .models import Bill, BillLine


@action(Action.ADD_CHARGE, "billing.withdraw_charge")
def withdraw_charge(*, source: str, source_id: int, reason: str, by: Person) -> bool:
    """Take the charge of an event of care off its draft; the event may be charged anew.

    False when its bill was issued already: then only a refund at the cashier's gives the money back.
    """
    standing = select(BillLine).filter_by(source=source, source_id=source_id, withdrawn_at=None)
    line = db.session.scalars(standing).one_or_none()
    if line is None:
        return True
    bill = locked(Bill, line.bill_id)
    if bill.status != "draft":
        return False
    line.withdrawn_at, line.withdrawn_reason = clock.now(), reason
    re_add(bill)
    return True
