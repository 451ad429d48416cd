"""The audit entries of reads of two records side by side."""

from __future__ import annotations

from hms.core.actions import action_context
from hms.core.api import read_log
from hms.core.web.guard import current_person


def record_read_of_both(kept_id: int, merged_id: int) -> None:
    """Record that the signed-in person read these two records. Commits."""
    person = current_person()
    with action_context("patients.read", person):
        seen = (read_log.PatientRead(kept_id, kept_id), read_log.PatientRead(merged_id, merged_id))
        read_log.record_in_transaction("patients.read", person, seen, entity="patient")


def reads_of_both(first_id: int, second_id: int) -> tuple[str, read_log.PatientRead, read_log.PatientRead]:
    """What `read_log.list_response` records of a row about two patients."""
    return "patients.read_list", read_log.PatientRead(first_id), read_log.PatientRead(second_id)
