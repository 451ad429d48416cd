"""FHIR Encounter: a visit that is over and final."""

from __future__ import annotations

from typing import Any

from hms.core.text.formatting import format_date
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
    """The columns of `encounter`. A visit under way at its source is kept as far as it is known, its times too."""
    state = fields.code(resource, "status")
    if state in NOT_HELD_STATUSES:
        raise InvalidResource(NOT_HELD_STATUSES[state])
    period = fields.part(resource, "period")
    started = fields.past_instant(period, "start")
    ended = None if fields.partial_date(period, "end", is_whole="time") else fields.instant(period, "end")
    days = fields.day(period, "start"), fields.day(period, "end")
    if (started and ended and ended < started) or (days[0] and days[1] and ended is None and days[1] < days[0]):
        raise InvalidResource(N_("the visit ends before it begins."))
    doctor = _performer(resource)
    return {
        "patient_id": patient_reference(resource, "subject"),
        "doctor_id": doctor,
        "performer_name": doctor.display if doctor else "",
        "status": "signed",
        "kind": _kind(resource),
        "started_at": started,
        "started_text": _started_text(period),
        "ended_at": ended,
        "signed_at": ended or started,
        "chief_complaint": _reason(resource),
    }


def _started_text(period: dict[str, Any]) -> str:
    """What is known of the beginning when it is no time; of a visit without one, until when it was at the latest."""
    first, last = fields.day(period, "start"), fields.day(period, "end")
    if first is not None or last is None:
        return fields.partial_date(period, "start", is_whole="time")
    return "until " + (fields.partial_date(period, "end", is_whole="day") or format_date(last))


def _kind(resource: dict[str, Any]) -> str:
    """ "Outpatient: Encounter for problem"."""
    encounter_class = fields.part(resource, "class")
    place = CLASSES.get(fields.code(encounter_class, "code"), "") or fields.line(encounter_class, "display")
    kinds = ", ".join(dict.fromkeys(concept.title for concept in fields.concepts(resource, "type") if concept.title))
    return fields.tidy(": ".join(part for part in (place, kinds) if part), "type")


def _reason(resource: dict[str, Any]) -> str:
    reasons = [reason.title for reason in fields.concepts(resource, "reasonCode")]
    reasons += [fields.line(reason, "display") for reason in fields.parts(resource, "reasonReference")]
    return fields.tidy(
        ", ".join(dict.fromkeys(reason for reason in reasons if reason)), "reasonCode", fields.MAX_NOTE_LENGTH
    )


def _performer(resource: dict[str, Any]) -> Reference | None:
    """The main performer, else the first participant."""
    performers = []
    for participant in fields.parts(resource, "participant"):
        roles = {
            fields.code(coding, "code")
            for kind in fields.parts(participant, "type")
            for coding in fields.parts(kind, "coding")
        }
        if (who := reference(participant, "individual", "Practitioner")) is not None:
            performers.append((not roles & set(MAIN_PERFORMERS), who))
    return min(performers, key=lambda pair: pair[0])[1] if performers else None
