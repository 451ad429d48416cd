"""FHIR AllergyIntolerance: an allergy that stops prescribing like one recorded here."""

from __future__ import annotations

from typing import Any

from hms.core.text.translation import N_
from hms.formulary.medicines import catalogue
from hms.formulary.safety.allergy_check import AllergyEntry, meanings
from hms.formulary.safety.knowledge import CLASS_PREFIX
from hms.interop.fhir import fields
from hms.interop.fhir.fields import NOTHING, Concept
from hms.interop.fhir.ndjson import InvalidResource
from hms.interop.fhir.references import patient_reference

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
PREFERRED_CODE_SYSTEMS = (RXNORM, "http://snomed.info/sct")
NONE_KNOWN_CODES = frozenset({"716186003", "409137002"})
"""SNOMED CT: no known allergy; no known drug allergy."""
OTHER_NONE_CODES = frozenset({"429625007", "428607008", "428197003", "716184000", "716220001"})
"""SNOMED CT: no known allergy to food, to the environment, to insects, to latex, to animals."""
_SEVERITIES = ("unknown", "mild", "moderate", "severe")
_CRITICALITY = {"high": "severe", "low": "mild"}
MAX_SUBSTANCE_LENGTH = 200


def values(resource: dict[str, Any]) -> dict[str, Any]:
    """The columns of `allergy`. "No known allergies" becomes an inactive row, from which the patient's status follows."""
    told = _substance(resource)
    substance = fields.tidy(told.title, "code", MAX_SUBSTANCE_LENGTH)
    if told.code in OTHER_NONE_CODES:
        raise InvalidResource(N_("it only says that one kind of allergy is not known."))
    return {
        "patient_id": patient_reference(resource, "patient"),
        "substance": substance,
        "code": told.code,
        "code_system": told.system if told.code else "",
        "class_code": _class_code(substance),
        "category": _category(resource),
        "reaction": _reaction(resource),
        "severity": _severity(resource, substance),
        "status": "inactive" if is_no_allergy_entry(substance, told.code) else _status(resource),
        "recorded_on": fields.day(resource, "recordedDate") or fields.day(resource, "onsetDateTime"),
    }


def is_no_allergy_entry(substance: str, code: str) -> bool:
    """Whether the entry says that there is no allergy."""
    return code in NONE_KNOWN_CODES or AllergyEntry(substance).is_none


def _substance(resource: dict[str, Any]) -> Concept:
    found = fields.concept(resource, "code", prefer=PREFERRED_CODE_SYSTEMS)
    named = [
        fields.concept(one, "substance", prefer=PREFERRED_CODE_SYSTEMS) for one in fields.parts(resource, "reaction")
    ]
    best = next((one for one in (found, *named) if one.title), NOTHING)
    if not best.title:
        raise InvalidResource(N_("it does not say what the patient reacts to."))
    return best


def _class_code(substance: str) -> str:
    """The family that the text names ("penicillin"); a single substance is found by its own name."""
    meant = meanings(substance, catalogue.knowledge())
    named = sorted(one.removeprefix(CLASS_PREFIX) for one in meant if one.startswith(CLASS_PREFIX))
    return named[0] if len(named) == 1 else ""


def _category(resource: dict[str, Any]) -> str:
    told = [fields.tidy(one, "category") for one in fields.listed(resource, "category")]
    known = [one for one in told if one in ("medication", "food", "environment")]
    return "medication" if "medication" in known or not known else known[0]


def _reactions(resource: dict[str, Any]) -> list[str]:
    found = []
    for one in fields.parts(resource, "reaction"):
        found += [sign.title for sign in fields.concepts(one, "manifestation")] + [fields.line(one, "description")]
    return list(dict.fromkeys(one for one in found if one))


def _reaction(resource: dict[str, Any]) -> str:
    return fields.tidy(", ".join(_reactions(resource)), "reaction", 255)


def _severity(resource: dict[str, Any], substance: str) -> str:
    """The worst of what is told: the criticality, how severe a reaction was, what the reaction was."""
    told = [fields.code(one, "severity") for one in fields.parts(resource, "reaction")]
    told.append(_CRITICALITY.get(fields.code(resource, "criticality"), ""))
    if AllergyEntry(substance, reaction=", ".join(_reactions(resource))).is_severe:
        return "severe"
    return max((one for one in told if one in _SEVERITIES), key=_SEVERITIES.index, default="unknown")


def _status(resource: dict[str, Any]) -> str:
    is_over = fields.status(resource, "clinicalStatus") in ("inactive", "resolved")
    return "inactive" if is_over or fields.status(resource, "verificationStatus") == "refuted" else "active"
