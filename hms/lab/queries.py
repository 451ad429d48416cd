"""Reads of orders and results for the pages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import joinedload, selectinload

from hms.clinical.encounters import queries as clinical
from hms.clinical.models import Encounter
from hms.clinical.prescriptions.kidney_facts import creatinine_sources
from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.formulary.safety.kidney_function import Creatinine
from hms.patients.access import policy

from .models import LabOrder, LabResult

CREATININE, CREATININE_UNIT = "CREA", "umol/L"
MAX_WAITING = 100
MAX_EARLIER = 8
MAX_RECENT = 50


@dataclass(frozen=True)
class EncounterTests:
    """The orders of an encounter, and earlier orders of the patient that have results."""

    orders: list[LabOrder]
    earlier: list[LabOrder]


def current_results(order: LabOrder) -> list[LabResult]:
    """The current results of an order; a newer result of the same code replaces an older one."""
    newest: dict[str, LabResult] = {}
    for result in order.results:
        newest[result.code] = result
    return list(newest.values())


def corrected_results(order: LabOrder) -> list[LabResult]:
    """The results of an order that were corrected."""
    current_ids = {result.id for result in current_results(order)}
    return [result for result in order.results if result.id not in current_ids]


def current_results_by_code(order_id: int) -> dict[str, LabResult]:
    """The current results of an order by test code."""
    rows = db.session.scalars(select(LabResult).where(LabResult.order_id == order_id).order_by(LabResult.id))
    return {result.code: result for result in rows}


def find_creatinine(patient_id: int) -> Creatinine | None:
    """The last creatinine of the patient with a number; of a corrected one the correction."""
    row = db.session.execute(_creatinine(), {"patient_id": patient_id}).first()
    return Creatinine(row.number, clock.local(row.entered_at).date()) if row else None


@cache
def _creatinine() -> Select:
    newest = (
        select(func.max(LabResult.id))
        .join(LabOrder, LabOrder.id == LabResult.order_id)
        .where(LabOrder.patient_id == bindparam("patient_id"), LabOrder.status != "cancelled")
        .where(LabResult.code == CREATININE)
        .group_by(LabResult.order_id)
    )
    query = select(LabResult.number, LabResult.entered_at).where(LabResult.id.in_(newest), LabResult.number > 0)
    return query.where(LabResult.unit == CREATININE_UNIT).order_by(LabResult.entered_at.desc()).limit(1)


creatinine_sources.append(find_creatinine)


def load_encounter_tests(encounter_id: int, patient_id: int) -> EncounterTests:
    """The orders of an encounter and earlier results of its patient, in two queries."""
    recent = _recent(patient_id)
    here = [order for order in recent if order.encounter_id == encounter_id]
    earlier = [order for order in recent if order.encounter_id != encounter_id and order.results]
    return EncounterTests(here[::-1], earlier[:MAX_EARLIER])


def _recent(patient_id: int) -> list[LabOrder]:
    """The patient's last orders with their results, newest first."""
    return list(db.session.scalars(_recent_orders(), {"patient_id": patient_id}))


@cache
def _recent_orders() -> Select:
    orders = _with_results().where(LabOrder.patient_id == bindparam("patient_id"), LabOrder.status != "cancelled")
    return orders.order_by(LabOrder.id.desc()).limit(MAX_RECENT)


def get_own_encounter(encounter_id: int, who: Person) -> Encounter:
    """The encounter when `who` is its doctor; raises `NotFound` otherwise."""
    encounter = clinical.get_encounter(encounter_id, who)
    if encounter.doctor_id != who.id:
        raise NotFound(N_("This encounter does not exist."))
    return encounter


def list_patient_orders(patient_id: int, before: int | None = None, limit: int = 26) -> list[LabOrder]:
    """The patient's orders with results, newest first, after the id `before`; without cancelled ones."""
    query = _with_results().where(LabOrder.patient_id == patient_id, LabOrder.status != "cancelled")
    if before is not None:
        query = query.where(LabOrder.id < before)
    return list(db.session.scalars(query.order_by(LabOrder.id.desc()).limit(limit)))


def _with_results() -> Select:
    return select(LabOrder).options(selectinload(LabOrder.results))


def worklist(show: str, *, limit: int = MAX_WAITING) -> list[LabOrder]:
    """Waiting orders, urgent and oldest first; with `show` "done" those done today (hospital time), newest first.

    It includes restricted records, as `count_worklist` does; the page shows only the patient of these.
    """
    query = _with_results().options(joinedload(LabOrder.patient), joinedload(LabOrder.ordered_by))
    if show == "done":
        begins, ends = clock.day_bounds(clock.today())
        query = query.where(LabOrder.done_at >= begins, LabOrder.done_at < ends).order_by(LabOrder.done_at.desc())
    else:
        query = query.where(LabOrder.status == "waiting").order_by(LabOrder.is_urgent.desc(), LabOrder.id)
    return list(db.session.scalars(query.limit(limit)))


def count_worklist() -> tuple[int, int, int]:
    """The numbers of waiting orders, of urgent ones among them, and of orders done today (hospital time)."""
    begins, ends = clock.day_bounds(clock.today())
    is_waiting = LabOrder.status == "waiting"
    is_done = (LabOrder.done_at >= begins) & (LabOrder.done_at < ends)
    figures = (func.count().filter(is_waiting), func.count().filter(is_waiting & LabOrder.is_urgent))
    row = select(*figures, func.count().filter(is_done)).where(is_waiting | is_done)
    return tuple(db.session.execute(row).one())


def get_order(order_id: int, who: Person) -> Any:
    """One order with patient, doctor and results.

    Raises `NotFound`, and `RecordRestricted` when `who` may not read the record.
    """
    query = _with_results().options(joinedload(LabOrder.patient), joinedload(LabOrder.ordered_by))
    row = db.session.scalars(query.where(LabOrder.id == order_id)).one_or_none()
    if row is None:
        raise NotFound(N_("This order does not exist."))
    policy.check(row.patient, who)
    return row
