"""Order and cancel tests, enter and correct results, load prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import insert, select, update

from hms.billing.bills import charges as billing
from hms.billing.corrections import credits
from hms.billing.models import PriceItem
from hms.clinical.encounters.actions import get_own_draft
from hms.clinical.vitals import readings
from hms.clinical.withdrawal import ENTERED_IN_ERROR, encounter_restorations, encounter_withdrawals
from hms.core import clock
from hms.core.actions import action, action_context
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict, NotFound, RuleBroken, StaleVersion
from hms.core.events import Event, publish
from hms.core.money import ZERO
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_, Sentence
from hms.escalations import actions as escalations
from hms.escalations.actions import CriticalValue
from hms.escalations.models import Escalation
from hms.messages import queries as messages
from hms.messages.actions import notify
from hms.patients.access import policy
from hms.patients.models import Patient
from hms.patients.records.actions import withdrawal_guards

from . import queries, rules
from .catalogue import LabTest, tests
from .enums import OrderStatus
from .models import LabOrder, LabResult

PRICE_CATEGORY = "test"
"""The category of tests in the price list. `load_prices` replaces the earlier "laboratory"."""


def load_prices(*, with_prices: bool = False, by: Person) -> int:
    """Add missing tests to the price list; existing items keep their price. Returns the number of added items.

    The prices of the list are examples: `with_prices` is for demo data and tests. Without it each test has no price yet.
    """
    with action_context("lab.load_prices", by):
        earlier_items = (PriceItem.code.startswith(PRICE_PREFIX), PriceItem.category == "laboratory")
        db.session.execute(update(PriceItem).where(*earlier_items).values(category=PRICE_CATEGORY))
        codes = {PRICE_PREFIX + test.code: test for test in tests().values()}
        existing = set(db.session.scalars(select(PriceItem.code).where(PriceItem.code.in_(codes))))
        rows = [
            {
                "code": code,
                "name": test.name,
                "billing_label": test.billing_label,
                "category": PRICE_CATEGORY,
                "unit_price": test.price if with_prices else ZERO,
                "is_priced": with_prices,
            }
            for code, test in codes.items()
            if code not in existing
        ]
        if rows:
            db.session.execute(insert(PriceItem), rows)
    return len(rows)


MAX_REASON_LENGTH = 500


@action(Permission.ENTER_RESULT, "lab.enter_results")
def enter_results(
    order_id: int, typed: Mapping[str, str], *, reason: str = "", version: int | None = None, by: Person
) -> LabOrder:
    """Save the results of an order; `typed` has the values by test code. A changed value is a correction and needs `reason`.

    The doctor gets an alert when all values are entered. A critical value is escalated until somebody acknowledges it.
    Raises `RuleBroken` on the code of the first wrong value, `Conflict` for a cancelled order or an old `version`.
    """
    order = get_for_update(LabOrder, order_id)
    policy.check_record(order.patient_id, by)
    if order.status == "cancelled":
        raise Conflict(N_("This test was cancelled."), code="cancelled")
    if version is not None and version != order.version:
        raise StaleVersion(N_("A colleague has entered results for this test. Check them first."))
    current = queries.current_results_by_code(order.id)
    values = _read_values(order, typed)
    new = [value for value in values if value.code not in current or current[value.code].value != value.value]
    if not new:
        raise RuleBroken(N_("Enter at least one value."), next(iter(typed), None))
    cleaned_reason = _clean_reason(reason, is_needed=any(value.code in current for value in new))
    results = {
        value.code: _to_result(order, value, cleaned_reason if value.code in current else "", by) for value in new
    }
    db.session.add_all(results.values())
    db.session.flush()
    _close_when_complete(order, {*current, *(value.code for value in new)})
    order.increment_version()
    _tell(order, new, current, results, by)
    db.session.flush()
    return order


def _read_values(order: LabOrder, typed: Mapping[str, str]) -> list[rules.Value]:
    patient = db.session.get(Patient, order.patient_id)
    age = readings.age_years(patient.birth_date)
    tests = rules.tests_of_order(order.test_code, order.test_name)
    values = (rules.read_value(test, typed.get(test.code, ""), patient.sex, age) for test in tests)
    return [value for value in values if value is not None]


def _clean_reason(text: str, *, is_needed: bool) -> str:
    reason = clean_field(text, "reason", longest=MAX_REASON_LENGTH)
    if is_needed and len(reason) < 3:
        raise RuleBroken(N_("You changed a saved value. Enter the reason for the correction."), "reason")
    return reason


def _to_result(order: LabOrder, value: rules.Value, reason: str, by: Person) -> LabResult:
    return LabResult(
        order_id=order.id,
        code=value.code,
        title=value.title,
        value=value.value,
        number=value.number,
        unit=value.unit,
        range_text=value.range_text,
        flag=value.flag,
        reason=reason,
        entered_by_id=by.id,
        entered_at=clock.now(),
    )


def _close_when_complete(order: LabOrder, known: set[str]) -> None:
    needed = {test.code for test in rules.tests_of_order(order.test_code, order.test_name)}
    if order.status == "waiting" and needed <= known:
        set_status(order, OrderStatus.DONE)
        order.done_at = clock.now()


def _tell(
    order: LabOrder,
    new: list[rules.Value],
    former: Mapping[str, LabResult],
    results: Mapping[str, LabResult],
    by: Person,
) -> None:
    """Escalate the critical values, tell of critical ones that were corrected, else tell the doctor of a complete result."""
    publish(Event.LAB_CHANGED)
    publish(Event.RESULT_IN)
    critical = {value.code: _escalate(order, value, results[value.code], by) for value in new if value.is_critical}
    corrected = [value for value in new if value.code in former and former[value.code].flag in rules.CRITICAL]
    for value in corrected:
        _tell_of_correction(order, value, former[value.code], critical.get(value.code), by)
    if order.status == "done" and not critical and not corrected:
        _tell_doctor(order, by)


def _name_tests(order: LabOrder, values: Iterable[rules.Value]) -> str:
    """The ordered test, and of a panel the tests with these values: "Full blood count: Haemoglobin, Platelets"."""
    titles = ", ".join(value.title for value in values if value.title != order.test_name)
    return f"{order.test_name}: {titles}" if titles else order.test_name


def _escalate(order: LabOrder, value: rules.Value, result: LabResult, by: Person) -> Escalation:
    """Tell the doctor of a critical result, and others until somebody acknowledges it."""
    critical = CriticalValue(
        patient_id=order.patient_id,
        subject=_name_tests(order, [value]),
        value=value.value,
        number=value.number,
        title=N_("Critical result received"),
        lab_result_id=result.id,
        encounter_id=order.encounter_id,
        doctor_id=order.ordered_by_id,
    )
    return escalations.begin(critical, by=by)


def _tell_of_correction(
    order: LabOrder, value: rules.Value, former: LabResult, present: Escalation | None, by: Person
) -> None:
    """Tell everybody who got an alert of a critical result that it was corrected."""
    address, title = f"/encounters/{order.encounter_id}", N_("Critical result corrected")
    sentence = N_("%(tests)s. An earlier critical value was wrong. Read the new value before you act.")
    message = str(Sentence(sentence, tests=_name_tests(order, [value])))
    words = {"title": title, "message": message, "url": address}
    if escalations.correct(lab_result_id=former.id, present=present, **words, by=by):
        return
    for user_id in {order.ordered_by_id, *messages.people_notified(address, kind="urgent")}:
        notify(user_id, **words, kind="urgent", by=by)


def _tell_doctor(order: LabOrder, by: Person) -> None:
    """Send the doctor an alert for a complete result.

    Its message names the test and no patient. Its title, which is also sent to open pages, does not even name the test.
    """
    notify(
        order.ordered_by_id,
        title=N_("Result received"),
        message=order.test_name,
        url=f"/encounters/{order.encounter_id}",
        kind="result",
        by=by,
    )


PRICE_PREFIX = "LAB-"
SOURCE = "lab_order"


@action(Permission.ORDER_TEST, "lab.order_test")
def order_test(encounter_id: int, *, code: str = "", text: str = "", is_urgent: bool = False, by: Person) -> LabOrder:
    """Order a test in one's own open encounter, by `code` or by a `text` that matches one test. It is charged at once."""
    encounter = get_own_draft(encounter_id, by)
    test = _find_test(code, text)
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
    publish(Event.LAB_CHANGED)
    return order


def _find_test(code: str, text: str) -> LabTest:
    if code in tests():
        return tests()[code]
    matches = rules.find_tests(text)
    exact = [test for test in matches if text.strip().lower() in (test.code.lower(), test.name.lower())]
    if len(exact or matches) != 1:
        raise RuleBroken(N_("Choose a test from the list."), "test")
    return (exact or matches)[0]


def _check_nothing_ordered(patient_id: int) -> None:
    if db.session.scalars(select(LabOrder.id).filter_by(patient_id=patient_id, status="waiting")).first():
        message = N_("This patient has a test that waits for its result. Enter the result or cancel the test first.")
        raise Conflict(message, code="test_waiting")


withdrawal_guards.append(_check_nothing_ordered)


def _close_orders_of_encounter(encounter_id: int, by: Person) -> None:
    """Cancel the tests of an encounter that was entered in error; raises `Conflict` when one has a result."""
    orders = select(LabOrder).filter_by(encounter_id=encounter_id).where(LabOrder.status != OrderStatus.CANCELLED)
    for order in db.session.scalars(orders.with_for_update()).all():
        if order.status != OrderStatus.WAITING or queries.current_results_by_code(order.id):
            message = N_("Tests of this encounter have results. It cannot be withdrawn.")
            raise Conflict(message, code="has_records")
        order.status_before = order.status
        _cancel(order, ENTERED_IN_ERROR, by)


def _reopen_orders_of_encounter(encounter_id: int, by: Person) -> None:
    """Undo `_close_orders_of_encounter`: the tests wait again and are charged as before."""
    orders = select(LabOrder).filter_by(encounter_id=encounter_id).where(LabOrder.status_before != "")
    for order in db.session.scalars(orders.order_by(LabOrder.id).with_for_update()).all():
        set_status(order, order.status_before)
        order.status_before = ""
        credits.restore_charge(source=SOURCE, source_id=order.id, reason=ENTERED_IN_ERROR, by=by)
        publish(Event.LAB_CHANGED)
    db.session.flush()


encounter_withdrawals.append(_close_orders_of_encounter)
encounter_restorations.append(_reopen_orders_of_encounter)


@action(Permission.ORDER_TEST, "lab.cancel_order")
def cancel_order(order_id: int, *, encounter_id: int | None = None, by: Person) -> LabOrder:
    """Cancel one's own order and its charge (on an issued bill a second person approves its credit); raises `Conflict` when
    it has a result or is cancelled."""
    order = get_for_update(LabOrder, order_id)
    if encounter_id is not None and order.encounter_id != encounter_id:
        raise NotFound(N_("This order does not exist."))
    if order.ordered_by_id != by.id:
        raise Conflict(N_("This test was ordered by a colleague."), code="not_own")
    if order.status != "waiting":
        raise Conflict(N_("This order is already closed."), code=order.status)
    if queries.current_results_by_code(order.id):
        raise Conflict(N_("This test has results already. It stays on record."), code="has_results")
    return _cancel(order, N_("The test was cancelled."), by)


def _cancel(order: LabOrder, reason: str, by: Person) -> LabOrder:
    set_status(order, OrderStatus.CANCELLED)
    credits.undo_charge(source=SOURCE, source_id=order.id, reason=reason, by=by)
    publish(Event.LAB_CHANGED)
    db.session.flush()
    return order
