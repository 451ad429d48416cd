"""FHIR MedicationRequest: a medicine that somebody elsewhere ordered. It never enters the pharmacy's queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hms.core.text.translation import N_
from hms.interop.fhir import fields
from hms.interop.fhir.dosage import prescription_dose
from hms.interop.fhir.ndjson import InvalidResource
from hms.interop.fhir.references import patient_reference, reference

STATUSES = {
    "active": "active",
    "completed": "completed",
    "stopped": "stopped",
    "cancelled": "stopped",
    "on-hold": "stopped",
    "draft": "stopped",
    "unknown": "stopped",
}
STATUS_REASONS = {
    "cancelled": N_("Cancelled where it was prescribed"),
    "on-hold": N_("On hold where it was prescribed"),
    "draft": N_("Only drafted where it comes from"),
    "unknown": N_("Not known whether it is still taken"),
}
MAX_UNITS = 100_000
NO_MEDICINE = {(fields.ABSENT_OR_UNKNOWN, code) for code in ("no-known-medications", "no-medication-info")}


def values(resource: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The columns of `prescription`. `names` are the medicines of Medication resources by "Medication/id".

    Nobody signed it here, so `signed_at` stays empty; one that is active is shown as a current medicine.
    """
    if fields.flag(resource, "doNotPerform"):
        raise InvalidResource(N_("it says that the medicine must not be given."))
    state = fields.code(resource, "status") or "unknown"
    if state not in STATUSES:
        raise InvalidResource(N_("“status” is not known."))
    reason = fields.concept(resource, "statusReason").title
    return {
        "patient_id": patient_reference(resource, "subject"),
        "encounter_id": reference(resource, "encounter", "Encounter"),
        "prescriber_id": reference(resource, "requester", "Practitioner"),
        "medication_name": _name(resource, names),
        "status": STATUSES[state],
        "status_reason": "" if state == "active" else reason or STATUS_REASONS.get(state, ""),
        "authored_at": fields.instant(resource, "authoredOn"),
        "quantity": _quantity(resource),
        "supply_text": _supply(resource),
        **prescription_dose(resource),
    }


def medication_name(medication: dict[str, Any]) -> str:
    """The name of a Medication resource; "" when it has none."""
    if title := fields.concept(medication, "code").title:
        return title
    contents = (
        fields.concept(ingredient, "itemCodeableConcept").title for ingredient in fields.parts(medication, "ingredient")
    )
    return fields.tidy(" + ".join(ingredient for ingredient in contents if ingredient), "ingredient")


def _name(resource: dict[str, Any], names: Mapping[str, str]) -> str:
    if fields.codings(resource, "medicationCodeableConcept") & NO_MEDICINE:
        raise InvalidResource(N_("it only says that no medicine is known."))
    title = fields.concept(resource, "medicationCodeableConcept").title or _referred(resource, names)
    if not title:
        raise InvalidResource(N_("it does not name the medicine."))
    return title


def _referred(resource: dict[str, Any], names: Mapping[str, str]) -> str:
    named = fields.part(resource, "medicationReference")
    address = fields.line(named, "reference")
    if address.startswith("#"):
        inside = [contained for contained in fields.parts(resource, "contained") if contained.get("id") == address[1:]]
        return next((title for contained in inside if (title := medication_name(contained))), "") or fields.line(
            named, "display"
        )
    ref = reference(resource, "medicationReference", "Medication")
    return (names.get(ref.external_id, "") or ref.display) if ref else ""


def _quantity(resource: dict[str, Any]) -> int | None:
    quantity = fields.part(fields.part(resource, "dispenseRequest"), "quantity")
    amount = fields.number(quantity, "value")
    is_count = amount is not None and amount == int(amount) and 1 <= amount <= MAX_UNITS
    return int(amount) if is_count else None


def _supply(resource: dict[str, Any]) -> str:
    """The quantity with its unit, as it was sent: "200 mL"."""
    quantity = fields.part(fields.part(resource, "dispenseRequest"), "quantity")
    amount = fields.number(quantity, "value")
    if amount is None:
        return ""
    unit = fields.line(quantity, "unit", 50) or fields.line(quantity, "code", 50)
    return f"{fields.number_text(amount)} {unit}".strip()
