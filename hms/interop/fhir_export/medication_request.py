"""Builds the FHIR MedicationRequest of a prescription."""

from __future__ import annotations

import re
from typing import Any

from hms.interop.fhir.dosage import FREQUENCY_BY_TIMING
from hms.interop.fhir_import.medication_request import STATUS_REASONS

_STATUSES = {"part_dispensed": "active", "on_hold": "on-hold"}
_WHEN_REQUIRED = re.compile(r"(.*?) ?when required(?: for (.+))?")
_CODES = {why: code for code, why in STATUS_REASONS.items()}


def medication_request(row: Any) -> dict[str, Any]:
    source_status = _CODES.get(row.status_reason)
    reason = row.status_reason if row.status == "stopped" and not source_status else ""
    authored = row.authored_at or row.signed_at
    return {
        "status": source_status or _STATUSES.get(row.status, row.status),
        "statusReason": {"text": reason},
        "intent": "order",
        "medicationCodeableConcept": {"text": row.medication_name},
        "subject": {"reference": row.patient},
        "encounter": {"reference": row.visit},
        "authoredOn": authored,
        "requester": {"reference": row.clinician},
        "dosageInstruction": [_instruction(row)],
        "dispenseRequest": {"quantity": {"value": row.quantity}},
    }


def _instruction(row: Any) -> dict[str, Any]:
    has_dose = row.dose_amount is not None
    words = dict.fromkeys(("" if has_dose else row.dosage, row.instructions))
    dose = {"doseQuantity": {"value": float(row.dose_amount), "unit": row.dose_unit}} if has_dose else {}
    return {
        "text": " ".join(word for word in words if word),
        "timing": _timing(row),
        "route": {"text": row.route},
        "doseAndRate": [dose],
        **_as_needed(row),
    }


def _as_needed(row: Any) -> dict[str, Any]:
    match = _WHEN_REQUIRED.fullmatch(row.frequency)
    if match and match[2]:
        return {"asNeededCodeableConcept": {"text": match[2]}}
    return {"asNeededBoolean": True} if row.as_needed else {}


def _timing(row: Any) -> dict[str, Any]:
    """The frequency in numbers when its code has them, else in words; and the duration."""
    bounds = {"boundsDuration": {"value": row.days, "code": "d"}} if row.days else {}
    numbers = next((key for key, code in FREQUENCY_BY_TIMING.items() if code == row.frequency_code), None)
    if numbers:
        frequency, period, unit = numbers
        return {"repeat": bounds | {"frequency": frequency, "period": period, "periodUnit": unit}}
    match = _WHEN_REQUIRED.fullmatch(row.frequency) if row.as_needed else None
    return {"repeat": bounds, "code": {"text": match[1] if match else row.frequency}}
