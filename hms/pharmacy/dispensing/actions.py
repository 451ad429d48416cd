"""Handing medicines out for signed prescriptions, one line or a whole visit at once."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Row, select

from hms.clinical.models import Prescription
from hms.core import clock
from hms.core.actions import action
from hms.core.db.session import db
from hms.core.errors import Conflict, DomainError, NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_

from . import locked_lines, rules
from .recording import DispenseResult, record_dispenses

Plan = list[tuple[int, int]]
UPDATED = N_("Stock changed after you opened this page. The batches were updated. Check them and dispense again.")


@action(Permission.DISPENSE, "pharmacy.dispense")
def dispense(
    prescription_id: int,
    quantity: int | None = None,
    *,
    batch_picks: Plan | None = None,
    reason: str = "",
    collected_by: str = "",
    note: str = "",
    by: Person,
) -> DispenseResult:
    """Give `quantity` (all that is owed when None) of one line, soonest expiry first, or from `batch_picks`.

    `batch_picks` are (batch id, quantity) chosen by hand; another batch than the soonest needs a `reason`. Raises
    `RuleBroken` for more than is owed or a new allergy stop, `Conflict` when stock or the line does not allow it.
    """
    line = locked_lines.locked_lines([prescription_id], by)[0]
    locked_lines.check_dispensable(line)
    wanted = quantity if quantity is not None else _all_owed(line, batch_picks)
    locked_lines.check_owed(line, wanted)
    locked_lines.check_allergies(line)
    shelf = locked_lines.locked_shelf([line.medication_id])
    if batch_picks is None:
        allocation = shelf.allocate(line, wanted)
        locked_lines.check_short(allocation, wanted)
        picks = allocation.picks
    else:
        picks = _chosen(line, shelf, batch_picks, wanted, reason)
    words = "; ".join(part for part in (note, reason if batch_picks else "") if part)
    return record_dispenses([(line, picks)], shelf, by=by, collected_by=collected_by, note=words)[0]


def _all_owed(line: Row, picks: Plan | None) -> int:
    if picks is not None:
        return sum(count for _batch, count in picks)
    owed = locked_lines.quantity_owed(line)
    if owed is None:
        raise RuleBroken(N_("The prescriber entered no quantity. Enter the quantity to dispense."), "quantity")
    return owed


def _chosen(line: Row, shelf: locked_lines.LockedStock, picks: Plan, quantity: int, reason: str) -> Plan:
    """The batches chosen by hand, checked one by one."""
    if sum(count for _batch, count in picks) != quantity or len({batch for batch, _count in picks}) != len(picks):
        raise RuleBroken(N_("The batches must add up to the quantity."), "batch")
    held = {batch.batch_id: batch for batch in shelf.batches(line.medication_id)}
    is_first = sorted(picks) == sorted(shelf.allocate(line, quantity).picks)
    for batch_id, count in picks:
        if batch_id not in held:
            raise Conflict(N_("This batch is empty or belongs to another medicine. Choose another batch."), "batch")
        rules.check_chosen(held[batch_id], count, clock.today(), reason, is_first=is_first)
    return sorted(picks)


@action(Permission.DISPENSE, "pharmacy.dispense_all")
def dispense_all(
    encounter_id: int | None,
    quantities: Mapping[int, int] | None = None,
    *,
    plans: Mapping[int, Plan] | None = None,
    collected_by: str = "",
    note: str = "",
    by: Person,
) -> list[DispenseResult]:
    """Give every line of a visit in one transaction: all or nothing.

    `quantities` by prescription id; a line with 0 or left out stays as it is. Without them every line gets what is owed
    and in stock. `plans` are the batches that the person saw; when others would be taken now, `Conflict` with code
    "allocation_changed". A refusal names the field `quantity-<prescription id>`.
    """
    lines = _lines_of(encounter_id, quantities, by)
    shelf = locked_lines.locked_shelf(line.medication_id for line in lines if line.medication_id is not None)
    given: list[tuple[Row, Plan]] = []
    for line in lines:
        with_plan = (plans or {}).get(line.id)
        if picks := _picked(line, shelf, quantities, with_plan):
            shelf.take(picks)
            given.append((line, picks))
    if not given:
        raise RuleBroken(N_("Nothing dispensed. Enter a quantity for at least one medicine."))
    return record_dispenses(given, shelf, by=by, collected_by=collected_by, note=note)


def _lines_of(encounter_id: int | None, quantities: Mapping[int, int] | None, by: Person) -> list[Row]:
    """The lines to give, locked; `NotFound` when one is not of this visit, or of another patient than the rest."""
    if quantities is None:
        waiting = select(Prescription.id).filter_by(encounter_id=encounter_id, external_id=None)
        lines = locked_lines.locked_lines(
            db.session.scalars(waiting.where(Prescription.status.in_(locked_lines.DISPENSABLE))), by
        )
    else:
        lines = locked_lines.locked_lines((line_id for line_id, count in quantities.items() if count), by)
    if any(line.encounter_id != encounter_id for line in lines) or len({line.patient_id for line in lines}) > 1:
        raise NotFound(N_("This prescription is not in this visit."))
    return lines


def _picked(
    line: Row,
    shelf: locked_lines.LockedStock,
    quantities: Mapping[int, int] | None,
    plan: Plan | None,
) -> Plan:
    """The batches for one line; a refusal is hung on the line's own field."""
    try:
        locked_lines.check_dispensable(line)
        quantity = quantities[line.id] if quantities is not None else _available(line, shelf)
        if not quantity:
            return []
        locked_lines.check_owed(line, quantity)
        locked_lines.check_allergies(line)
        allocation = shelf.allocate(line, quantity)
        if plan is not None and allocation.picks != _first_of(plan, quantity):
            raise Conflict(UPDATED, "quantity", code="allocation_changed")
        locked_lines.check_short(allocation, quantity)
    except (RuleBroken, Conflict) as refusal:
        raise _of_line(refusal, line.id) from refusal
    return allocation.picks


def _of_line(refusal: DomainError, line_id: int) -> DomainError:
    return type(refusal).from_error(refusal, f"quantity-{line_id}")


def _available(line: Row, shelf: locked_lines.LockedStock) -> int:
    owed = locked_lines.quantity_owed(line)
    return owed - shelf.allocate(line, owed).short if owed else 0


def _first_of(plan: Plan, quantity: int) -> Plan:
    """The part of the plan that `quantity` needs; a person may give less than was offered."""
    picks, left = [], quantity
    for batch_id, count in plan:
        if left > 0:
            picks.append((batch_id, min(left, count)))
            left -= count
    return picks if left <= 0 else [*picks[:-1], (picks[-1][0], picks[-1][1] + left)] if picks else []
