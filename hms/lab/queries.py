"""What the laboratory and the doctors read of orders and results."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import joinedload, selectinload

from hms.clinical.encounters import queries as clinical
from hms.clinical.models import Encounter
from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.access import policy

from .models import LabOrder, LabResult

MAX_WAITING = 100
MAX_EARLIER = 8
MAX_RECENT = 50


@dataclass(frozen=True)
class EncounterTests:
    """The tests of an encounter, and the last results of the patient's other visits, each with its `results`."""

    orders: list[LabOrder]
    earlier: list[LabOrder]


def current_results(order: LabOrder) -> list[LabResult]:
    """The values that stand, in the order of the test; older ones of the same code were corrected."""
    newest: dict[str, LabResult] = {}
    for result in order.results:
        newest[result.code] = result
    return list(newest.values())


def corrected_results(order: LabOrder) -> list[LabResult]:
    """Values that were replaced."""
    standing = {result.id for result in current_results(order)}
    return [result for result in order.results if result.id not in standing]


def current_results_by_code(order_id: int) -> dict[str, LabResult]:
    """The values that stand, by code."""
    rows = db.session.scalars(select(LabResult).where(LabResult.order_id == order_id).order_by(LabResult.id))
    return {result.code: result for result in rows}


def load_encounter_tests(encounter_id: int, patient_id: int) -> EncounterTests:
    """In two queries, however many orders there are."""
    recent = _recent(patient_id)
    here = [result for result in recent if result.encounter_id == encounter_id]
    earlier = [result for result in recent if result.encounter_id != encounter_id and result.results]
    return EncounterTests(here[::-1], earlier[:MAX_EARLIER])


def _recent(patient_id: int) -> list[LabOrder]:
    """The patient's last orders with their results, newest first."""
    return list(db.session.scalars(_recent_orders(), {"patient_id": patient_id}))


@cache
def _recent_orders() -> Select:
    orders = _with_results().where(LabOrder.patient_id == bindparam("patient_id"), LabOrder.status != "cancelled")
    return orders.order_by(LabOrder.id.desc()).limit(MAX_RECENT)


def get_own_encounter(encounter_id: int, who: Person) -> Encounter:
    """An encounter of `who`; `NotFound` when it is a colleague's."""
    encounter = clinical.get_encounter(encounter_id, who)
    if encounter.doctor_id != who.id:
        raise NotFound(N_("This encounter does not exist."))
    return encounter


def list_patient_orders(patient_id: int, before: int | None = None, limit: int = 26) -> list[LabOrder]:
    """The patient's tests, newest first."""
    query = _with_results().where(LabOrder.patient_id == patient_id, LabOrder.status != "cancelled")
    if before is not None:
        query = query.where(LabOrder.id < before)
    return list(db.session.scalars(query.order_by(LabOrder.id.desc()).limit(limit)))


def _with_results() -> Select:
    return select(LabOrder).options(selectinload(LabOrder.results))


def worklist(show: str) -> list[LabOrder]:
    """What is to be done, urgent ones and the longest waiting first; or what was done today, the last first. It counts what
    `count_worklist` counts: of records that are closed to the reader the page says whose they are, and nothing else."""
    query = _with_results().options(joinedload(LabOrder.patient), joinedload(LabOrder.ordered_by))
    if show == "done":
        begins, ends = clock.day_bounds(clock.today())
        query = query.where(LabOrder.done_at >= begins, LabOrder.done_at < ends).order_by(LabOrder.done_at.desc())
    else:
        query = query.where(LabOrder.status == "waiting").order_by(LabOrder.is_urgent.desc(), LabOrder.id)
    return list(db.session.scalars(query.limit(MAX_WAITING)))


def count_worklist() -> tuple[int, int, int]:
    """How many tests wait, how many of them are urgent, and how many were done today."""
    begins, ends = clock.day_bounds(clock.today())
    is_waiting = LabOrder.status == "waiting"
    is_done = (LabOrder.done_at >= begins) & (LabOrder.done_at < ends)
    figures = (func.count().filter(is_waiting), func.count().filter(is_waiting & LabOrder.is_urgent))
    row = select(*figures, func.count().filter(is_done)).where(is_waiting | is_done)
    return tuple(db.session.execute(row).one())


def get_order(order_id: int, who: Person) -> Any:
    """One order with patient, doctor and results; `NotFound` when there is none, `RecordRestricted` when the record is closed
    to `who`."""
    query = _with_results().options(joinedload(LabOrder.patient), joinedload(LabOrder.ordered_by))
    row = db.session.scalars(query.where(LabOrder.id == order_id)).one_or_none()
    if row is None:
        raise NotFound(N_("This order does not exist."))
    policy.check(row.patient, who)
    return row


def flagged(results: Iterable[LabResult]) -> list[LabResult]:
    """The unusual ones."""
    return [result for result in results if result.flag]
