"""FHIR Immunization: a vaccine that was given."""

from __future__ import annotations

from typing import Any

from hms.core.text import formatting
from hms.core.text.translation import N_
from hms.interop.fhir import fields
from hms.interop.fhir.completeness import UNKNOWN
from hms.interop.fhir.ndjson import InvalidResource
from hms.interop.fhir.references import patient_reference, reference

CVX = "http://hl7.org/fhir/sid/cvx"
NO_VACCINE = {(fields.ABSENT_OR_UNKNOWN, code) for code in ("no-known-immunizations", "no-immunization-info")}


def values(resource: dict[str, Any]) -> dict[str, Any]:
    """The columns of `immunization`."""
    if fields.code(resource, "status") == "not-done":
        raise InvalidResource(N_("the vaccine was not given."))
    vaccine = fields.concept(resource, "vaccineCode", prefer=(CVX,))
    if fields.codings(resource, "vaccineCode") & NO_VACCINE:
        raise InvalidResource(N_("it only says that no vaccine is known."))
    if not vaccine.title:
        raise InvalidResource(N_("it does not name the vaccine."))
    fields.past_instant(resource, "occurrenceDateTime")
    words = fields.line(resource, "occurrenceString")
    return {
        "patient_id": patient_reference(resource, "patient"),
        "encounter_id": reference(resource, "encounter", "Encounter"),
        "vaccine": vaccine.title,
        "code": vaccine.code,
        "code_system": vaccine.system if vaccine.code else "",
        "given_on": fields.day(resource, "occurrenceDateTime"),
        "given_text": ("" if words == UNKNOWN else words)
        or fields.partial_date(resource, "occurrenceDateTime", is_whole="day"),
        "lot_number": fields.line(resource, "lotNumber"),
        "expires": _expires(resource),
        "is_subpotent": fields.flag(resource, "isSubpotent"),
        "dose_number": _dose_number(resource),
    }


def _expires(resource: dict[str, Any]) -> str:
    day = fields.day(resource, "expirationDate")
    if day is None:
        return ""
    return fields.partial_date(resource, "expirationDate", is_whole="day") or formatting.format_date(day)


def _dose_number(resource: dict[str, Any]) -> str:
    for protocol in fields.parts(resource, "protocolApplied"):
        if (count := fields.number(protocol, "doseNumberPositiveInt")) is not None:
            return fields.number_text(count)
        return fields.line(protocol, "doseNumberString", 50)
    return ""
