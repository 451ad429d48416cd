"""What was read of clinical content goes into the trail: one entry for each patient of an answer (IHE ATNA)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from flask import Response
from sqlalchemy import Select

from hms.core import api, audit
from hms.core.actions import doing
from hms.core.web import person
from hms.patients import access


def listed(what: str, rows: Select, project: Callable[[Any], dict[str, Any]]) -> Response:
    """The list's answer; `what` ("encounter") was read of each patient whose content is in it."""
    seen: list[Any] = []

    def keep(row: Any) -> dict[str, Any]:
        seen.append(row)
        return project(row)

    answer = api.listed(rows, keep)
    note(what, seen)
    return answer


def note(what: str, rows: Iterable[Any]) -> None:
    """Write that the signed-in person read these rows of `what`, those with content only. Commits."""
    by_patient: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        if getattr(row, "is_readable", True):
            by_patient[row.patient_id].append(row)
    if not by_patient:
        return
    action, who = f"clinical.read_{what}", person()
    with doing(action, who):
        audit.record_each(action, who, [_entry(what, patient_id, of) for patient_id, of in by_patient.items()])


def _entry(what: str, patient_id: int, rows: list[Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"entity": what, "patient_id": patient_id}
    if len(rows) == 1:
        entry["entity_id"] = rows[0].id
    else:
        entry["new"] = {"count": len(rows)}
    if getattr(rows[0], "is_emergency", False):
        entry["purpose"] = access.EMERGENCY
    return entry
