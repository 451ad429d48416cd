"""Merge requests: those to decide, a person's own, decided ones, and what was done."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased

from hms.core import clock
from hms.core.db.session import db
from hms.patients.enums import MergeKind, MergeStatus
from hms.patients.models import BreakGlass, PatientMerge

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
