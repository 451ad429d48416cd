"""Shared by the billing endpoints: read-log entries of list rows, and conflicts instead of broken rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hms.core.api import read_log
from hms.core.errors import Conflict, RuleBroken

NO_REASON = "No reason was given: asked by DELETE through the API."
"""Stored as the reason of a DELETE without a body; existing records hold this text."""


def list_read_entry(row: Any) -> tuple[str, read_log.PatientRead]:
    """The read-log action and entry for one listed bill, bill line, payment or correction."""
    return "billing.read_list", read_log.PatientRead(row.patient_id, row.id)


def run_or_conflict(act: Callable[[], Any]) -> Any:
    """Call `act` and return its result. A `RuleBroken` becomes a `Conflict` (409): the state of the record forbids the change."""
    try:
        return act()
    except RuleBroken as broken:
        raise Conflict.from_error(broken, broken.field, code=broken.code) from broken
