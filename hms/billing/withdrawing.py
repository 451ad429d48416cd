"""An administrator withdraws what somebody else issued or took: the two of them are the two persons.

What the administrator issued or took takes another person's yes (`correcting`); the database holds both ways to that.
"""

from __future__ import annotations

from hms.core.actions import action
from hms.core.db import found
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.records import locked

from . import issuing, taking
from .models import Bill, Payment


def is_own_work(first_id: int | None, by: Person) -> bool:
    """Whether the person who would withdraw it did it themselves."""
    return first_id == by.id


@action(Action.WITHDRAW_BILL)
def withdraw_bill(bill_id: int, *, reason: str, by: Person) -> Bill:
    """Make a bill void that another person issued; `RuleBroken` while money is held for it."""
    return issuing.make_void(locked(Bill, bill_id), reason, by)


@action(Action.WITHDRAW_BILL)
def withdraw_payment(payment_id: int, *, reason: str, by: Person) -> Payment:
    """Give back all that is left of a payment that another person took, by the way it came, out of the till of `by`."""
    paid = found(Payment, payment_id)
    bill = locked(Bill, paid.bill_id)
    return taking.book_withdrawal(bill, paid, reason, by)
