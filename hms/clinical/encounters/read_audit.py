"""Entries of the audit trail for clinical content that the API returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Response

from hms.core.api import read_log
from hms.core.db.keyset import OrderedSelect
from hms.patients.access import policy

R = TypeVar("R")


def list_response(entity: str, rows: OrderedSelect, project: Callable[[Any], dict[str, Any]]) -> Response:
    """A paginated response; the audit trail gets an entry for each patient with a record of kind `entity` ("encounter") in it."""

    def audit_entry(row: Any) -> tuple[str, read_log.PatientRead]:
        has_content = getattr(row, "is_readable", True)
        return f"clinical.read_{entity}" if has_content else "clinical.read_list", _read_entry(row)

    return read_log.list_response(rows, project, audit_entry, entity=entity)


def record_read(entity: str, row: R) -> R:
    """Record in the audit trail that the signed-in person read this row of kind `entity`; returns the row. Commits."""
    entry = _read_entry(row)
    if entry.purpose:
        policy.mark_emergency_access()
    read_log.record_read(f"clinical.read_{entity}", entry.patient_id, entity=entity, entity_id=entry.entity_id)
    return row


def _read_entry(row: Any) -> read_log.PatientRead:
    purpose = policy.EMERGENCY if getattr(row, "is_emergency", False) else None
    return read_log.PatientRead(row.patient_id, row.id, purpose=purpose)
