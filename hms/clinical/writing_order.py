"""A checked order, written down: the line, and the encounter that is another version with it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, text

from hms.core import clock
from hms.core.alerts import Alert, alert
from hms.core.people import Person
from hms.core.records import put, written_over
from hms.core.statements import Writing

from .models import Encounter, Prescription

_NEXT_VERSION = Writing(
    text("UPDATE encounter SET version = version + 1, updated_at = :now WHERE id = :id RETURNING id")
)


def add(encounter: Row, values: dict[str, Any], *, is_draft: bool, by: Person) -> Prescription:
    """The line with these columns: a draft in an open encounter, else active at once."""
    now = clock.now()
    whose = {"patient_id": encounter.patient_id, "encounter_id": encounter.id, "prescriber_id": by.id}
    stands = {} if is_draft else {"status": "active", "signed_at": now}
    line = put(Prescription(**whose, **stands, **values))
    if is_draft:
        _NEXT_VERSION.write({"id": encounter.id, "now": now})
        written_over(Encounter, [encounter.id])
    else:
        alert(Alert.PRESCRIPTION_SIGNED)
    return line
