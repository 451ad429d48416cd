"""Dispensing signed prescriptions: one line, or all lines of a visit."""

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
"""Pairs of batch id and quantity, in the order to take them."""
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
    """Dispense `quantity` of one line (when None, all that is owing), earliest expiry first, or from `batch_picks`.

    `batch_picks` are the batches that the pharmacist chose; other batches than the earliest need a `reason`. `RuleBroken`
    for more than is owing or a new serious allergy alert, `Conflict` when the stock or the line's status does not allow it.
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
    full_note = "; ".join(part for part in (note, reason if batch_picks else "") if part)
    return record_dispenses([(line, picks)], shelf, by=by, collected_by=collected_by, note=full_note)[0]


def _all_owed(line: Row, picks: Plan | None) -> int:
    if picks is not None:
        return sum(count for _batch, count in picks)
    owed = locked_lines.quantity_owed(line)
    if owed is None:
        raise RuleBroken(N_("The prescriber entered no quantity. Enter the quantity to dispense."), "quantity")
    return owed


def _chosen(line: Row, shelf: locked_lines.LockedStock, picks: Plan, quantity: int, reason: str) -> Plan:
    """The batches that the pharmacist chose, after checking each."""
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
    """Dispense the lines of a visit in one transaction: all or nothing.

    `quantities` by prescription id; a line with 0 or left out does not change. When None, each line gets what is owing and
    in stock. `plans` are the batches that the pharmacist saw; when other batches would be taken now, `Conflict` with code
    "allocation_changed". An error is at the field `quantity-<prescription id>`.
    """
    lines = _lines_of(encounter_id, quantities, by)
    shelf = locked_lines.locked_shelf(line.medication_id for line in lines if line.medication_id is not None)
    given: list[tuple[Row, Plan]] = []
    for line in lines:
        plan = (plans or {}).get(line.id)
        if picks := _picked(line, shelf, quantities, plan):
            shelf.take(picks)
            given.append((line, picks))
    if not given:
        raise RuleBroken(N_("Nothing dispensed. Enter a quantity for at least one medicine."))
    return record_dispenses(given, shelf, by=by, collected_by=collected_by, note=note)


def _lines_of(encounter_id: int | None, quantities: Mapping[int, int] | None, by: Person) -> list[Row]:
    """The lines to dispense, locked; `NotFound` when one is of another visit, or when they are of several patients."""
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
    """The batches for one line; an error is at the line's own field."""
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
    except (RuleBroken, Conflict) as error:
        raise _at_line(error, line.id) from error
    return allocation.picks


def _at_line(error: DomainError, line_id: int) -> DomainError:
    return type(error).from_error(error, f"quantity-{line_id}")


def _available(line: Row, shelf: locked_lines.LockedStock) -> int:
    owed = locked_lines.quantity_owed(line)
    return owed - shelf.allocate(line, owed).short if owed else 0


def _first_of(plan: Plan, quantity: int) -> Plan:
    """The part of the plan for `quantity`; a pharmacist may dispense less than was offered."""
    picks, left = [], quantity
    for batch_id, count in plan:
        if left > 0:
            picks.append((batch_id, min(left, count)))
            left -= count
    return picks if left <= 0 else [*picks[:-1], (picks[-1][0], picks[-1][1] + left)] if picks else []
