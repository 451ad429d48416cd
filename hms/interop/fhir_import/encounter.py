"""FHIR Encounter: a visit that is over and final."""

from __future__ import annotations

from typing import Any

from hms.core.text.translation import N_
from hms.interop.fhir import fields
from hms.interop.fhir.ndjson import InvalidResource
from hms.interop.fhir.references import Reference, patient_reference, reference

CLASSES = {
    "AMB": N_("Outpatient"),
    "EMER": N_("Emergency"),
    "IMP": N_("Inpatient"),
    "ACUTE": N_("Inpatient"),
    "NONAC": N_("Inpatient"),
    "OBSENC": N_("Observation"),
    "SS": N_("Day case"),
    "HH": N_("Home visit"),
    "VR": N_("At a distance"),
    "FLD": N_("In the field"),
    "PRENC": N_("Before admission"),
}
"""Words for the codes of HL7's ActEncounterCode."""
NOT_HELD_STATUSES = {
    "planned": N_("the visit was only planned, so there is nothing to keep."),
    "cancelled": N_("the visit was cancelled, so there is nothing to keep."),
}
MAIN_PERFORMERS = ("PPRF", "ATND")


def values(resource: dict[str, Any]) -> dict[str, Any]:
    """The columns of `encounter`. A visit under way at its source is kept as far as it is known."""
    state = fields.code(resource, "status")
    if state in NOT_HELD_STATUSES:
        raise InvalidResource(NOT_HELD_STATUSES[state])
    period = fields.part(resource, "period")
    started, ended = fields.past_instant(period, "start"), fields.instant(period, "end")
    if started is None:
        raise InvalidResource(N_("it does not say when the visit began."))
    if ended is not None and ended < started:
        raise InvalidResource(N_("the visit ends before it begins."))
    doctor = _performer(resource)
    return {
        "patient_id": patient_reference(resource, "subject"),
        "doctor_id": doctor,
        "performer_name": doctor.display if doctor else "",
        "status": "signed",
        "kind": _kind(resource),
        "started_at": started,
        "ended_at": ended,
        "signed_at": ended or started,
        "chief_complaint": _reason(resource),
    }


def _kind(resource: dict[str, Any]) -> str:
    """ "Outpatient: Encounter for problem"."""
    told = fields.part(resource, "class")
    place = CLASSES.get(fields.code(told, "code"), "") or fields.line(told, "display")
    kinds = ", ".join(dict.fromkeys(one.title for one in fields.concepts(resource, "type") if one.title))
    return fields.tidy(": ".join(part for part in (place, kinds) if part), "type")


def _reason(resource: dict[str, Any]) -> str:
    reasons = [one.title for one in fields.concepts(resource, "reasonCode")]
    reasons += [fields.line(one, "display") for one in fields.parts(resource, "reasonReference")]
    return fields.tidy(", ".join(dict.fromkeys(one for one in reasons if one)), "reasonCode", fields.MAX_NOTE_LENGTH)


def _performer(resource: dict[str, Any]) -> Reference | None:
    """Who led the visit, else who took part first."""
    found = []
    for one in fields.parts(resource, "participant"):
        roles = {
            fields.code(coding, "code") for kind in fields.parts(one, "type") for coding in fields.parts(kind, "coding")
        }
        if (who := reference(one, "individual", "Practitioner")) is not None:
            found.append((not roles & set(MAIN_PERFORMERS), who))
    return min(found, key=lambda pair: pair[0])[1] if found else None
