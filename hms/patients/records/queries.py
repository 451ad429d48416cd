"""The list of patients by name, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, tuple_

from hms.core.db import row_counts
from hms.core.db.session import db
from hms.patients.models import Patient
from hms.patients.search.queries import BY_NAME, SHOWN
from hms.staff import directory as staff

PAGE = 25


@dataclass
class NamePage:
    """One page of the list by name. `before` and `after` are the cursors (ids) of the neighbouring pages; `total` is the
    number of all rows, estimated when there are very many (`row_counts.EstimatedCount`)."""

    rows: list[Any]
    before: int | None
    after: int | None
    total: int


def patients_by_name(
    *, after: int | None = None, before: int | None = None, limit: int = PAGE, status: str = "active"
) -> NamePage:
    """Patients with `status` by family name, given names and id; the rows that follow `after` or come before `before` (ids)."""
    keys = tuple_(*BY_NAME)
    counted = select(Patient.id).where(Patient.status == status)
    whole = row_counts.select_bounded_count(counted).scalar_subquery().label("whole")
    query = select(*SHOWN, whole).where(Patient.status == status)
    mark = _place(before if before is not None else after)
    if mark is not None:
        query = query.where(keys < tuple_(*mark) if before is not None else keys > tuple_(*mark))
    order = [part.desc() for part in BY_NAME] if before is not None else list(BY_NAME)
    rows = list(db.session.execute(query.order_by(*order).limit(limit + 1)))
    has_more, rows = len(rows) > limit, rows[:limit]
    if before is not None:
        rows.reverse()
    has_earlier = has_more if before is not None else mark is not None
    has_later = mark is not None if before is not None else has_more
    ends = (rows[0].id, rows[-1].id) if rows else (None, None)
    total = rows[0].whole if rows else 0
    if total > row_counts.MAX_EXACT:
        total = row_counts.estimate_rows(counted)
    return NamePage(rows, ends[0] if has_earlier else None, ends[1] if has_later else None, total)


def _place(patient_id: int | None) -> Any:
    if patient_id is None:
        return None
    return db.session.execute(select(*BY_NAME).where(Patient.id == patient_id)).one_or_none()


def allergy_status_author(patient: Patient) -> str:
    """Name of the user who last set the allergy status; "" when it was never set."""
    if patient.allergy_status_by_id is None:
        return ""
    return staff.display_names({patient.allergy_status_by_id}).get(patient.allergy_status_by_id, "")
