"""FHIR Condition: a diagnosis or problem with its own code list."""

from __future__ import annotations

from typing import Any

from hms.clinical.models import ICD10
from hms.core.text.translation import N_
from hms.interop.fhir import fields
from hms.interop.fhir.ndjson import InvalidResource
from hms.interop.fhir.references import patient_reference, reference

PREFERRED_CODE_SYSTEMS = (
    ICD10,
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://hl7.org/fhir/sid/icd-10-us",
    "urn:oid:2.16.840.1.113883.6.3",
    "urn:oid:2.16.840.1.113883.6.90",
    "http://snomed.info/sct",
)
CLINICAL_STATUSES = {
    "active": "active",
    "recurrence": "active",
    "relapse": "active",
    "inactive": "inactive",
    "remission": "inactive",
    "resolved": "resolved",
}


def values(resource: dict[str, Any]) -> dict[str, Any]:
    """The columns of `condition`."""
    verified = fields.status(resource, "verificationStatus")
    if verified == "refuted":
        raise InvalidResource(N_("the diagnosis was refuted."))
    diagnosis = fields.concept(resource, "code", prefer=PREFERRED_CODE_SYSTEMS)
    if not diagnosis.title:
        raise InvalidResource(N_("it does not name the diagnosis."))
    onset = fields.day(resource, "onsetDateTime") or fields.day(fields.part(resource, "onsetPeriod"), "start")
    abated = fields.day(resource, "abatementDateTime") or fields.day(fields.part(resource, "abatementPeriod"), "end")
    if onset and abated and abated < onset:
        raise InvalidResource(N_("it ends before it begins."))
    return {
        "patient_id": patient_reference(resource, "subject"),
        "encounter_id": reference(resource, "encounter", "Encounter"),
        "code": diagnosis.code,
        "code_system": diagnosis.system if diagnosis.code else "",
        "title": diagnosis.title,
        "certainty": "confirmed" if verified in ("confirmed", "") else "provisional",
        "clinical_status": _clinical_status(resource, has_abated=bool(abated)),
        "onset_on": onset,
        "abated_on": abated,
        "status": "final",
    }


def _clinical_status(resource: dict[str, Any], *, has_abated: bool) -> str:
    status = fields.status(resource, "clinicalStatus")
    if status not in CLINICAL_STATUSES:
        return "resolved" if has_abated or fields.flag(resource, "abatementBoolean") else "active"
    return CLINICAL_STATUSES[status]
