"""Merge requests: those to decide, a person's own, decided ones, and what was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased

from hms.core import clock
from hms.core.db.keyset import cut_page
from hms.core.db.session import db, get_or_not_found
from hms.core.person import Person
from hms.patients.enums import MergeKind, MergeStatus
from hms.patients.models import BreakGlass, Patient, PatientMerge
from hms.staff import directory as staff

_UNDOING = aliased(PatientMerge, name="undoing")
_IS_UNDONE = exists().where(_UNDOING.undoes_id == PatientMerge.id, _UNDOING.status == MergeStatus.APPROVED.value)


def is_undone(merge_id: int) -> bool:
    """Whether the records of this merge are separated again."""
    return db.session.execute(select(_IS_UNDONE).where(PatientMerge.id == merge_id)).scalar_one()


def later_merge(merge: PatientMerge) -> PatientMerge | None:
    """A merge into the same record that was approved after this one and is not undone; None without one."""
    later = (
        select(PatientMerge)
        .where(
            PatientMerge.kind == MergeKind.MERGE.value,
            PatientMerge.status == MergeStatus.APPROVED.value,
            PatientMerge.kept_id == merge.kept_id,
            PatientMerge.id != merge.id,
            PatientMerge.decided_at >= merge.decided_at,
            ~_IS_UNDONE,
        )
        .order_by(PatientMerge.decided_at.desc(), PatientMerge.id.desc())
    )
    return db.session.scalars(later.limit(1)).one_or_none()


def emergency_access_until(patient_id: int) -> datetime | None:
    """When the last emergency access to this record ends; None when nobody has one."""
    return db.session.execute(
        select(func.max(BreakGlass.expires_at)).where(
            BreakGlass.patient_id == patient_id, BreakGlass.expires_at > clock.now()
        )
    ).scalar_one()


PAGE = 25
LISTS = ("waiting", "own", "decided")


@dataclass(frozen=True)
class MergeRequest:
    """A request with the two records and the names of the people."""

    request: PatientMerge
    kept: Patient
    merged: Patient
    requested_by: str
    decided_by: str


@dataclass(frozen=True)
class RequestPage:
    """A page of the list `name`; `before` and `after` are the cursors (ids) of its neighbours."""

    name: str
    rows: list[MergeRequest]
    before: int | None
    after: int | None


def list_requests(name: str, who: Person, *, after: int | None = None, before: int | None = None) -> RequestPage:
    """The requests to decide, those of `who`, or the decided ones, newest first: those that follow `after` or come before
    `before` (ids)."""
    query = select(PatientMerge).where(*_in_list(name, who))
    is_backward = before is not None
    if is_backward:
        query = query.where(PatientMerge.id > before)
    elif after is not None:
        query = query.where(PatientMerge.id < after)
    order = PatientMerge.id.asc() if is_backward else PatientMerge.id.desc()
    fetched = db.session.scalars(query.order_by(order).limit(PAGE + 1)).all()
    page = cut_page(fetched, PAGE, is_first=after is None, is_backward=is_backward)
    rows = _with_names(page.rows)
    first, last = (page.rows[0].id, page.rows[-1].id) if page.rows else (None, None)
    return RequestPage(name, rows, first if page.has_previous else None, last if page.has_next else None)


def _in_list(name: str, who: Person) -> tuple[Any, ...]:
    waiting = PatientMerge.status == MergeStatus.WAITING.value
    return {
        "waiting": (waiting, PatientMerge.requested_by_id != who.id),
        "own": (PatientMerge.requested_by_id == who.id,),
        "decided": (PatientMerge.status.in_((MergeStatus.APPROVED.value, MergeStatus.DECLINED.value)),),
    }[name]


def count_waiting(who: Person) -> int:
    """How many requests `who` may decide; their own are not counted."""
    return db.session.execute(select(func.count()).where(*_in_list("waiting", who))).scalar_one()


def get_request(merge_id: int) -> MergeRequest:
    """One request; raises `NotFound`."""
    return _with_names([get_or_not_found(PatientMerge, merge_id)])[0]


def can_separate(request: PatientMerge) -> bool:
    """Whether this is a merge that was done and is not undone."""
    is_done = request.kind == MergeKind.MERGE and request.status == MergeStatus.APPROVED
    return is_done and not is_undone(request.id)


def _with_names(requests: Sequence[PatientMerge]) -> list[MergeRequest]:
    patient_ids = {row.kept_id for row in requests} | {row.merged_id for row in requests}
    patients = {row.id: row for row in db.session.scalars(select(Patient).where(Patient.id.in_(patient_ids)))}
    people = {row.requested_by_id for row in requests} | {row.decided_by_id for row in requests}
    names = staff.display_names(people - {None})
    return [
        MergeRequest(
            row,
            patients[row.kept_id],
            patients[row.merged_id],
            names.get(row.requested_by_id, ""),
            names.get(row.decided_by_id, ""),
        )
        for row in requests
    ]
