"""Says "not known" where FHIR requires a value that the source did not send, so that what goes out again is valid."""

from __future__ import annotations

from typing import Any

NOT_KNOWN = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
}
UNKNOWN = "unknown"
"""The code of an unknown status, and the words of an unknown time."""


def complete(kind: str, resource: dict[str, Any], *, medicine: str | None = None) -> dict[str, Any]:
    """`resource` with what is required, and with the name of a medicine that stands in another resource."""
    added: dict[str, Any] = {}
    if kind in ("Encounter", "MedicationRequest", "Observation", "Immunization") and not resource.get("status"):
        added = {"_status": NOT_KNOWN} if kind == "Immunization" else {"status": UNKNOWN}
    if kind == "Encounter" and not resource.get("class"):
        added["class"] = NOT_KNOWN
    if kind == "MedicationRequest":
        added |= _of_order(resource, medicine)
    if kind == "Immunization" and not resource.keys() & {"occurrenceDateTime", "occurrenceString"}:
        added["occurrenceString"] = UNKNOWN
    return resource | added


def _of_order(resource: dict[str, Any], medicine: str | None) -> dict[str, Any]:
    added = {} if resource.get("intent") or resource.get("_intent") else {"_intent": NOT_KNOWN}
    named = resource.get("medicationReference")
    if isinstance(named, dict) and medicine and not str(named.get("reference", "")).startswith("#"):
        added["medicationReference"] = {"display": medicine} | named
    return added
