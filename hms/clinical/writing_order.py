"""A checked order, written down: the line, and the encounter that is another version with it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, update

from hms.core import clock
from hms.core.alerts import Alert, alert
from hms.core.db import db
from hms.core.people import Person

from .models import Encounter, Prescription


def add(encounter: Row, values: dict[str, Any], *, is_draft: bool, by: Person) -> Prescription:
    """The line with these columns: a draft in an open encounter, else active at once."""
    now = clock.now()
    whose = {"patient_id": encounter.patient_id, "encounter_id": encounter.id, "prescriber_id": by.id}
    stands = {} if is_draft else {"status": "active", "signed_at": now}
    line = Prescription(**whose, **stands, **values)
    db.session.add(line)
    db.session.flush()
    if is_draft:
        next_version = update(Encounter).where(Encounter.id == encounter.id).values(version=Encounter.version + 1)
        db.session.execute(next_version)
    else:
        alert(Alert.PRESCRIPTION_SIGNED)
    return line
