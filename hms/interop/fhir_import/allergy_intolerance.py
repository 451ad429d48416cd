"""FHIR AllergyIntolerance: an allergy. The safety checks use it like an allergy recorded here."""

from __future__ import annotations

from typing import Any

from hms.core.text.translation import N_
from hms.formulary.rule_book import current_rules
from hms.formulary.safety.allergy_check import AllergyEntry, find_substances
from hms.formulary.safety.knowledge import CLASS_PREFIX
from hms.interop.fhir import fields
from hms.interop.fhir.fields import NO_CONCEPT, Concept
from hms.interop.fhir.ndjson import InvalidResource
from hms.interop.fhir.references import patient_reference
from hms.patients.allergies import rules

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
PREFERRED_CODE_SYSTEMS = (RXNORM, "http://snomed.info/sct")
NONE_KNOWN_CODES = frozenset({"716186003", "409137002", "no-known-allergies", "no-known-medication-allergies"})
"""SNOMED CT: no known allergy; no known drug allergy."""
OTHER_NONE_CODES = frozenset({"429625007", "428607008", "428197003", "716184000", "716220001"})
"""SNOMED CT: no known allergy to food, to the environment, to insects, to latex, to animals."""
SAYS_LITTLE = {
    (fields.ABSENT_OR_UNKNOWN, code)
    for code in ("no-allergy-info", "no-known-environmental-allergies", "no-known-food-allergies")
}
_SEVERITIES = ("unknown", "mild", "moderate", "severe")
_CRITICALITY = {"high": "severe", "low": "mild"}
MAX_SUBSTANCE_LENGTH = 200


def values(resource: dict[str, Any]) -> dict[str, Any]:
    """The columns of `allergy`. "No known allergies" becomes an inactive row, from which the patient's status follows."""
    allergen = _substance(resource)
    substance = fields.tidy(allergen.title, "code", MAX_SUBSTANCE_LENGTH)
    if allergen.code in OTHER_NONE_CODES or fields.codings(resource, "code") & SAYS_LITTLE:
        raise InvalidResource(N_("it only says that one kind of allergy is not known."))
    if not allergen.code and rules.is_not_asked(substance):
        raise InvalidResource(N_("it does not say what the patient reacts to."))
    return {
        "patient_id": patient_reference(resource, "patient"),
        "substance": substance,
        "code": allergen.code,
        "code_system": allergen.system if allergen.code else "",
        "class_code": _class_code(substance),
        "category": _category(resource),
        "reaction": _reaction(resource),
        "severity": _severity(resource, substance),
        "status": "inactive" if is_no_allergy_entry(substance, allergen.code) else _status(resource),
        "recorded_on": fields.day(resource, "recordedDate") or fields.day(resource, "onsetDateTime"),
    }


def is_no_allergy_entry(substance: str, code: str) -> bool:
    """Whether the entry says that there is no allergy."""
    return code in NONE_KNOWN_CODES or AllergyEntry(substance).is_denial


def _substance(resource: dict[str, Any]) -> Concept:
    main = fields.concept(resource, "code", prefer=PREFERRED_CODE_SYSTEMS)
    in_reactions = [
        fields.concept(concept, "substance", prefer=PREFERRED_CODE_SYSTEMS)
        for concept in fields.parts(resource, "reaction")
    ]
    best = next((concept for concept in (main, *in_reactions) if concept.title), NO_CONCEPT)
    if not best.title:
        raise InvalidResource(N_("it does not say what the patient reacts to."))
    return best


def _class_code(substance: str) -> str:
    """The allergy class in the text ("penicillin"); "" for a single substance, which is matched by name."""
    substance_keys = find_substances(substance, current_rules.load_knowledge())
    classes = sorted(key.removeprefix(CLASS_PREFIX) for key in substance_keys if key.startswith(CLASS_PREFIX))
    return classes[0] if len(classes) == 1 else ""


def _category(resource: dict[str, Any]) -> str:
    categories = [fields.tidy(category, "category") for category in fields.listed(resource, "category")]
    known = [category for category in categories if category in ("medication", "food", "environment")]
    return "medication" if "medication" in known or not known else known[0]


def _reactions(resource: dict[str, Any]) -> list[str]:
    texts = []
    for reaction in fields.parts(resource, "reaction"):
        texts += [sign.title for sign in fields.concepts(reaction, "manifestation")] + [
            fields.line(reaction, "description")
        ]
    return list(dict.fromkeys(reaction for reaction in texts if reaction))


def _reaction(resource: dict[str, Any]) -> str:
    return fields.tidy(", ".join(_reactions(resource)), "reaction", 255)


def _severity(resource: dict[str, Any], substance: str) -> str:
    """The highest severity from criticality, reaction severity and manifestation."""
    severities = [fields.code(severity, "severity") for severity in fields.parts(resource, "reaction")]
    severities.append(_CRITICALITY.get(fields.code(resource, "criticality"), ""))
    if AllergyEntry(substance, reaction=", ".join(_reactions(resource))).is_severe:
        return "severe"
    return max(
        (severity for severity in severities if severity in _SEVERITIES), key=_SEVERITIES.index, default="unknown"
    )


def _status(resource: dict[str, Any]) -> str:
    is_over = fields.status(resource, "clinicalStatus") in ("inactive", "resolved")
    return "inactive" if is_over or fields.status(resource, "verificationStatus") == "refuted" else "active"
