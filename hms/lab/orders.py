"""Ordering tests and taking orders back."""

from __future__ import annotations

from hms.billing import actions as billing
from hms.clinical.encounters import own_draft
from hms.core import clock
from hms.core.actions import action
from hms.core.alerts import Alert, alert
from hms.core.db import db
from hms.core.errors import Conflict, NotFound, RuleBroken
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.records import locked
from hms.core.words import _

from . import rules
from .catalogue import LabTest, tests
from .models import LabOrder

PRICE_PREFIX = "LAB-"
SOURCE = "lab_order"


@action(Action.ORDER_TEST, "lab.order_test")
def order_test(encounter_id: int, *, code: str = "", text: str = "", is_urgent: bool = False, by: Person) -> LabOrder:
    """Order a test in one's own open encounter, by its code or by words that name one test; it is charged at once and
    stands on the laboratory's list."""
    encounter = own_draft(encounter_id, by)
    test = _named(code, text)
    order = LabOrder(
        patient_id=encounter.patient_id,
        encounter_id=encounter.id,
        test_code=test.code,
        test_name=test.name,
        is_urgent=is_urgent,
        ordered_by_id=by.id,
        ordered_at=clock.now(),
    )
    db.session.add(order)
    db.session.flush()
    billing.add_charge(
        encounter.patient_id,
        code=PRICE_PREFIX + test.code,
        description=test.billing_label or test.name,
        unit_price=None,
        source=SOURCE,
        source_id=order.id,
        encounter_id=encounter.id,
        by=by,
    )
    alert(Alert.LAB_CHANGED)
    return order


def _named(code: str, text: str) -> LabTest:
    if code in tests():
        return tests()[code]
    found = rules.find(text)
    exact = [one for one in found if text.strip().lower() in (one.code.lower(), one.name.lower())]
    if len(exact or found) != 1:
        raise RuleBroken(_("Choose a test from the list."), "test")
    return (exact or found)[0]


@action(Action.ORDER_TEST, "lab.cancel_order")
def cancel_order(order_id: int, *, encounter_id: int | None = None, by: Person) -> LabOrder:
    """Take an order back that nothing was found for yet, with its charge."""
    order = locked(LabOrder, order_id)
    if encounter_id is not None and order.encounter_id != encounter_id:
        raise NotFound(_("There is no such order."))
    if order.ordered_by_id != by.id:
        raise Conflict(_("This test was ordered by a colleague."), code="not_own")
    if order.status != "waiting":
        raise Conflict(_("This order is closed already."), code=order.status)
    order.status = "cancelled"
    billing.withdraw_charge(source=SOURCE, source_id=order.id, reason=_("The test was cancelled."), by=by)
    alert(Alert.LAB_CHANGED)
    db.session.flush()
    return order
