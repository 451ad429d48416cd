"""Entering what was found, and correcting it."""

from __future__ import annotations

from collections.abc import Mapping

from hms.clinical import readings
from hms.core import clock
from hms.core.actions import action
from hms.core.alerts import Alert, alert
from hms.core.db import db
from hms.core.errors import Conflict, RuleBroken
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.records import locked
from hms.core.text import clean_field
from hms.core.words import _
from hms.messages.actions import tell
from hms.patients import access
from hms.patients.models import Patient

from . import queries, rules
from .models import LabOrder, LabResult

LONGEST_REASON = 500


@action(Action.ENTER_RESULT, "lab.enter_results")
def enter_results(
    order_id: int, typed: Mapping[str, str], *, reason: str = "", version: int | None = None, by: Person
) -> LabOrder:
    """Keep what was typed for an order, by test code. Values that stand already are corrected, which takes a reason.

    Raises `RuleBroken` on the code of the first value that cannot be read. The doctor is told when the last one is in.
    """
    order = locked(LabOrder, order_id)
    access.check_record(order.patient_id, by)
    if order.status == "cancelled":
        raise Conflict(_("This test was cancelled."), code="cancelled")
    if version is not None and version != order.version:
        raise Conflict(_("A colleague entered results for this test meanwhile. Look at them first."), code="stale")
    standing = queries.standing(order.id)
    values = _values(order, typed)
    new = [one for one in values if one.code not in standing or standing[one.code].value != one.value]
    if not new:
        raise RuleBroken(_("Write at least one value."), next(iter(typed), None))
    why = _reason(reason, is_needed=any(one.code in standing for one in new))
    for one in new:
        db.session.add(_row(order, one, why if one.code in standing else "", by))
    _close_when_complete(order, {*standing, *(one.code for one in new)})
    order.changed()
    _say(order, new, by)
    db.session.flush()
    return order


def _values(order: LabOrder, typed: Mapping[str, str]) -> list[rules.Value]:
    whom = db.session.get(Patient, order.patient_id)
    age = readings.age_years(whom.birth_date)
    tests = rules.parts(order.test_code, order.test_name)
    values = (rules.read(test, typed.get(test.code, ""), whom.sex, age) for test in tests)
    return [value for value in values if value is not None]


def _reason(text: str, *, is_needed: bool) -> str:
    reason = clean_field(text, "reason", longest=LONGEST_REASON)
    if is_needed and len(reason) < 3:
        raise RuleBroken(_("A value that stands already is changed: say what was wrong."), "reason")
    return reason


def _row(order: LabOrder, one: rules.Value, reason: str, by: Person) -> LabResult:
    return LabResult(
        order_id=order.id,
        code=one.code,
        title=one.title,
        value=one.value,
        number=one.number,
        unit=one.unit,
        range_text=one.range_text,
        flag=one.flag,
        reason=reason,
        entered_by_id=by.id,
        entered_at=clock.now(),
    )


def _close_when_complete(order: LabOrder, known: set[str]) -> None:
    needed = {test.code for test in rules.parts(order.test_code, order.test_name)}
    if order.status == "waiting" and needed <= known:
        order.status, order.done_at = "done", clock.now()


def _say(order: LabOrder, new: list[rules.Value], by: Person) -> None:
    """Tell the doctor of a complete or critical result; the words name no patient."""
    alert(Alert.LAB_CHANGED)
    alert(Alert.RESULT_IN)
    is_critical = any(one.is_critical for one in new)
    if order.status != "done" and not is_critical:
        return
    tell(
        order.ordered_by_id,
        title=_("A critical result is in") if is_critical else _("A result is in"),
        url=f"/encounters/{order.encounter_id}",
        kind="urgent" if is_critical else "result",
        by=by,
    )
