"""The audit entries of lists that show critical values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hms.core.api import read_log
from hms.core.web.guard import current_person
from hms.patients.access import policy

from . import queries

OPEN_ROWS = 5


def record_board(rows: Iterable[Any]) -> None:
    """Record that the signed-in person saw these rows of `queries.select_escalations` in a list of a page. Commits."""
    seen = [
        read_log.PatientRead(row.patient_id, row.id, purpose=policy.EMERGENCY if row.is_emergency else None)
        for row in rows
        if row.is_open
    ]
    read_log.record_reads("escalations.read_board", seen, entity="escalation")


def read_open() -> queries.OpenEscalations:
    """The values that wait the longest, for a part of a page, recorded as read by the signed-in person. Commits."""
    critical = queries.list_open(current_person(), OPEN_ROWS)
    record_board(critical.rows)
    return critical
