"""Build FHIR resources from rows; importing them again gives the same values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hms.interop.fhir.relations import LABEL, OWNER, RELATION, extension, note, relationship
from hms.interop.fhir_import.encounter import CLASSES
from hms.interop.fhir_import.observation import DIASTOLIC, FLAGS, LOINC, SYSTOLIC
from hms.patients.enums import RELATION_LABELS, Relation

from .medication_request import medication_request

Resource = dict[str, Any]
HOSPITAL_NUMBER = "urn:hms:hospital-number"
_QUANTITY = re.compile(r"(<=?|>=?|)(-?[0-9]+(?:\.[0-9]+)?)")
_PARTIAL_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2})?")
_PRESSURE = re.compile(r"([0-9.]+)/([0-9.]+)")
_TERMS = "http://terminology.hl7.org/CodeSystem/"


def ref(name: str | None, display: str = "") -> Resource | None:
    """A reference; None without a name and text."""
    return {"reference": name, "display": display} if name else {"display": display} if display else None


def concept(code: str, system: str, title: str) -> Resource:
    """A concept with at most one code."""
    return {"coding": [{"system": system, "code": code, "display": title}] if code else [], "text": title}


def _state(code: str, system: str) -> Resource:
    return {"coding": [{"system": _TERMS + system, "code": code}]}


def _clinician(row: Any) -> str:
    return " ".join(part for part in (row.clinician_title, row.first_name, row.last_name) if part)


def patient(row: Any) -> Resource:
    contacts = (("phone", row.phone), ("email", row.email))
    born = row.birth_date.isoformat() if row.birth_date else None
    return {
        "identifier": _identifiers(row),
        "name": [
            {"use": "official", "family": row.family_name, "given": [row.given_names], "prefix": [row.title]},
            *([{"use": "old", "text": row.other_names}] if row.other_names else []),
        ],
        "telecom": [{"system": system, "value": value} for system, value in contacts if value] + _other_phones(row),
        "gender": row.sex,
        "birthDate": born[:4] if born and row.birth_is_estimated else born,
        "deceasedDateTime": row.deceased_on or (row.deceased_text if row.deceased_text != "unknown" else None),
        "deceasedBoolean": True if row.deceased_text == "unknown" else None,
        "address": [{"text": row.address, "district": row.area_path}],
        "contact": [{"relationship": [{"text": row.next_of_kin}]}, *_relatives(row)],
        "communication": [{"language": {"text": row.language}}],
    }


def _other_phones(row: Any) -> list[Resource]:
    """Further phones; an extension says whose each is."""
    uses = {"own": "home", "work": "work"}
    return [
        {
            "extension": extension(OWNER, phone["owner"]) + note(LABEL, phone["label"]),
            "system": "phone",
            "value": phone["number"],
            "use": uses.get(phone["owner"]),
        }
        for phone in row.other_phones or ()
    ]


def _relatives(row: Any) -> list[Resource]:
    return [
        {
            "extension": extension(RELATION, relative["relation"]),
            "relationship": [relationship(relative["relation"], str(RELATION_LABELS[Relation(relative["relation"])]))],
            "name": {"text": relative["name"]},
            "telecom": [{"system": "phone", "value": relative["phone"]}] if relative["phone"] else [],
        }
        for relative in row.relatives or ()
    ]


def _identifiers(row: Any) -> list[Resource]:
    identifiers = [identifier.rpartition("|") for identifier in row.identifiers or ()]
    if row.identifiers is None:
        identifiers.append((HOSPITAL_NUMBER, "|", row.hospital_number))
    national = [{"type": _state("NI", "v2-0203"), "value": row.national_id}] if row.national_id else []
    return (
        [{"system": system, "value": value} for system, _, value in identifiers if value != row.national_id]
        + national
        + [{"use": "old", "value": number.strip()} for number in row.other_numbers.split(",") if number.strip()]
    )


def practitioner(row: Any) -> Resource:
    identifiers = [identifier.rpartition("|") for identifier in row.identifiers or ()]
    name = {"family": row.last_name or row.username, "given": [row.first_name], "prefix": [row.title]}
    return {"identifier": [{"system": system, "value": value} for system, _, value in identifiers], "name": [name]}


def encounter(row: Any) -> Resource:
    place, _, kind = row.kind.partition(": ")
    code = next((code for code, words in CLASSES.items() if words == place), "")
    performer = ref(row.clinician, row.performer_name or _clinician(row))
    return {
        "status": "finished",
        "class": {"system": _TERMS + "v3-ActCode", "code": code or "AMB"},
        "type": [{"text": kind if code else row.kind}],
        "subject": ref(row.patient),
        "participant": [{"individual": performer}] if performer else None,
        "period": {"start": row.started_at, "end": row.ended_at},
        "reasonCode": [{"text": row.chief_complaint}],
    }


def condition(row: Any) -> Resource:
    return {
        "clinicalStatus": _state(row.clinical_status, "condition-clinical"),
        "verificationStatus": _state(row.certainty, "condition-ver-status"),
        "category": [_state("problem-list-item" if row.is_problem else "encounter-diagnosis", "condition-category")],
        "code": concept(row.code, row.code_system, row.title),
        "subject": ref(row.patient),
        "encounter": ref(row.visit),
        **_onset(row),
        "abatementDateTime": row.abated_on,
    }


def _onset(row: Any) -> Resource:
    if _PARTIAL_DATE.fullmatch(row.onset_text):
        return {"onsetDateTime": row.onset_text}
    return {"onsetString": row.onset_text} if row.onset_text else {"onsetDateTime": row.onset_on}


def allergy(row: Any) -> Resource:
    reaction = {"manifestation": [{"text": row.reaction}], "severity": "moderate" if row.severity == "moderate" else ""}
    return {
        "clinicalStatus": _state(row.status, "allergyintolerance-clinical"),
        "category": [row.category],
        "criticality": {"severe": "high", "mild": "low"}.get(row.severity),
        "code": concept(row.code, row.code_system, row.substance),
        "patient": ref(row.patient),
        "recordedDate": row.recorded_on,
        "reaction": [reaction],
    }


def immunization(row: Any) -> Resource:
    return {
        "status": "completed",
        "vaccineCode": concept(row.code, row.code_system, row.vaccine),
        "patient": ref(row.patient),
        "encounter": ref(row.visit),
        **_occurrence(row),
        "lotNumber": row.lot_number,
        "isSubpotent": row.is_subpotent,
        "protocolApplied": [{"doseNumberString": row.dose_number}],
    }


def _occurrence(row: Any) -> Resource:
    if row.given_text and not _PARTIAL_DATE.fullmatch(row.given_text):
        return {"occurrenceString": row.given_text}
    return {"occurrenceDateTime": row.given_text or row.given_on}


def observation(row: Any) -> Resource:
    return {
        "status": "final",
        "code": concept(row.code, row.code_system, row.title),
        "subject": ref(row.patient),
        "encounter": ref(row.visit),
        "effectiveDateTime": row.taken_at,
        **measured(row.value, row.unit),
        "interpretation": interpretation(row.flag),
        "referenceRange": [{"text": row.range_text}],
    }


def interpretation(flag: str) -> list[Resource]:
    """The flag as a concept; no concept for a usual value."""
    code = next((code for code, words in FLAGS.items() if words == flag and flag), "")
    return [concept(code, _TERMS + "v3-ObservationInterpretation", flag)] if flag else []


def measured(value: str, unit: str) -> Resource:
    """The value of an observation: a quantity, a blood pressure, or text."""
    if match := _QUANTITY.fullmatch(value):
        number = float(match[2]) if "." in match[2] else int(match[2])
        return {"valueQuantity": {"value": number, "comparator": match[1], "unit": unit}}
    if match := _PRESSURE.fullmatch(value):
        sides = ((SYSTOLIC, match[1]), (DIASTOLIC, match[2]))
        return {"component": [{"code": concept(code, LOINC, code), **measured(side, unit)} for code, side in sides]}
    return {"valueString": f"{value} {unit}".strip()}


WRITERS: dict[str, Callable[[Any], Resource]] = {
    "Patient": patient,
    "Practitioner": practitioner,
    "Encounter": encounter,
    "Condition": condition,
    "AllergyIntolerance": allergy,
    "MedicationRequest": medication_request,
    "Immunization": immunization,
    "Observation": observation,
}
