"""A checked order, written down: the line, and the encounter that is another version with it, in one statement."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row, text

from hms.core import clock
from hms.core.alerts import Alert, alert
from hms.core.people import Person
from hms.core.statements import Writing, inserted, written_over

from .models import Encounter, Prescription

_BEGUN: dict[str, Any] = {
    column.name: column.default.arg if column.default is not None and column.default.is_scalar else None
    for column in Prescription.__table__.c
    if column.name != "id"
}
_ADD = Writing(
    text("""
WITH changed AS (
    UPDATE encounter SET version = version + 1, updated_at = :created_at WHERE id = :encounter_id AND :status = 'draft'
)
INSERT INTO prescription (
    patient_id, encounter_id, medication_id, medication_name, dosage, frequency, duration, instructions, dose_amount,
    dose_unit, route, frequency_code, as_needed, max_per_day, days, quantity, quantity_dispensed, status, status_reason,
    prescriber_id, signed_at, authored_at, checks, override_code, override_reason, external_id, version, created_at,
    updated_at)
VALUES (
    :patient_id, :encounter_id, :medication_id, :medication_name, :dosage, :frequency, :duration, :instructions,
    :dose_amount, :dose_unit, :route, :frequency_code, :as_needed, :max_per_day, :days, :quantity, :quantity_dispensed,
    :status, :status_reason, :prescriber_id, :signed_at, :authored_at, :checks, :override_code, :override_reason,
    :external_id, :version, :created_at, :updated_at)
RETURNING id
""")
)


def add(encounter: Row, values: dict[str, Any], *, is_draft: bool, by: Person) -> Prescription:
    """The line with these columns: a draft in an open encounter, else active at once."""
    now = clock.now()
    whose = {"patient_id": encounter.patient_id, "encounter_id": encounter.id, "prescriber_id": by.id}
    stands = {} if is_draft else {"status": "active", "signed_at": now}
    line = _BEGUN | whose | stands | values | {"created_at": now, "updated_at": now}
    [(line_id,)] = _ADD.write(line | {"checks": json.dumps(line["checks"])})
    if is_draft:
        written_over(Encounter, [encounter.id])
    else:
        alert(Alert.PRESCRIPTION_SIGNED)
    return inserted(Prescription(id=line_id, **line))
