"""The list of patients by name, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, tuple_

from hms.core.db import row_counts
from hms.core.db.keyset import cut_page
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
    """Patients with `status` by family name, given names and id; the rows that follow `after` or come before `before` (ids).

    The first page when there is no patient with this id.
    """
    keys = tuple_(*BY_NAME)
    counted = select(Patient.id).where(Patient.status == status)
    whole = row_counts.select_bounded_count(counted).scalar_subquery().label("whole")
    query = select(*SHOWN, whole).where(Patient.status == status)
    mark = _place(before if before is not None else after)
    is_backward = mark is not None and before is not None
    if mark is not None:
        query = query.where(keys < tuple_(*mark) if is_backward else keys > tuple_(*mark))
    order = [part.desc() for part in BY_NAME] if is_backward else list(BY_NAME)
    fetched = db.session.execute(query.order_by(*order).limit(limit + 1)).all()
    page = cut_page(fetched, limit, is_first=mark is None, is_backward=is_backward)
    if not page.rows:
        return NamePage([], None, None, 0)
    first, last, total = page.rows[0].id, page.rows[-1].id, page.rows[0].whole
    if total > row_counts.MAX_EXACT:
        total = row_counts.estimate_rows(counted)
    return NamePage(page.rows, first if page.has_previous else None, last if page.has_next else None, total)


def _place(patient_id: int | None) -> Any:
    if patient_id is None:
        return None
    return db.session.execute(select(*BY_NAME).where(Patient.id == patient_id)).one_or_none()


def allergy_status_author(patient: Patient) -> str:
    """Name of the user who last set the allergy status; "" when it was never set."""
    if patient.allergy_status_by_id is None:
        return ""
    return staff.display_names({patient.allergy_status_by_id}).get(patient.allergy_status_by_id, "")
