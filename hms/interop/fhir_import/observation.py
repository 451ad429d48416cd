"""FHIR Observation: a measurement or finding, with the value and unit as they were sent."""

from __future__ import annotations

from typing import Any

from hms.core.text.translation import N_
from hms.interop.fhir import fields
from hms.interop.fhir.ndjson import InvalidResource
from hms.interop.fhir.references import patient_reference, reference

LOINC = "http://loinc.org"
SYSTOLIC, DIASTOLIC = "8480-6", "8462-4"
WORDS = {
    SYSTOLIC: N_("Systolic blood pressure"),
    DIASTOLIC: N_("Diastolic blood pressure"),
    "8478-0": N_("Mean blood pressure"),
    "85354-9": N_("Blood pressure"),
    "55284-4": N_("Blood pressure"),
    "8867-4": N_("Pulse"),
    "9279-1": N_("Respiratory rate"),
    "8310-5": N_("Temperature"),
    "2708-6": N_("Oxygen saturation"),
    "59408-5": N_("Oxygen saturation"),
    "29463-7": N_("Weight"),
    "8302-2": N_("Height"),
    "39156-5": N_("Body mass index"),
}
"""Words for LOINC codes that came without any."""
MAX_VALUE_LENGTH = 2000
FLAGS = {
    "N": "",
    "L": N_("Low"),
    "H": N_("High"),
    "LL": N_("Critical low"),
    "HH": N_("Critical high"),
    "LU": N_("Low"),
    "HU": N_("High"),
    "A": N_("Abnormal"),
    "AA": N_("Critical"),
}
"""Words for codes of HL7's ObservationInterpretation; the laboratory's where it has one."""


def values(resource: dict[str, Any]) -> dict[str, Any]:
    """The columns of `observation`. The components of a panel become one value, a blood pressure "120/80" in mm[Hg]."""
    if fields.code(resource, "status") == "cancelled":
        raise InvalidResource(N_("the measurement was cancelled."))
    measured = _measured(resource)
    if not measured.title:
        raise InvalidResource(N_("it does not say what was measured."))
    value, unit = _value(resource)
    parts = fields.tidy(_components(resource)[0], "component", MAX_VALUE_LENGTH) if value else ""
    if not value:
        value, unit = _components(resource)
    if not value:
        raise InvalidResource(N_("it has no value."))
    return {
        "patient_id": patient_reference(resource, "subject"),
        "encounter_id": reference(resource, "encounter", "Encounter"),
        "code": measured.code,
        "code_system": measured.system if measured.code else "",
        "title": measured.title,
        "value": fields.tidy(value, "value", MAX_VALUE_LENGTH),
        "unit": unit,
        "parts": parts,
        "flag": _flag(resource),
        "range_text": _range(resource),
        **_taken(resource),
    }


def _measured(element: dict[str, Any]) -> fields.Concept:
    """What was measured; a LOINC code without words gets the usual ones."""
    measured = fields.concept(element, "code", prefer=(LOINC,))
    is_bare = measured.title == measured.code and measured.system in (LOINC, "")
    return measured._replace(title=WORDS.get(measured.code, measured.title)) if is_bare else measured


def _taken(resource: dict[str, Any]) -> dict[str, Any]:
    """When it was measured; `taken_text` when the time of day is not known."""
    places = ((resource, "effectiveDateTime"), (resource, "effectiveInstant"))
    places += ((fields.part(resource, "effectivePeriod"), "start"), (resource, "issued"))
    for holder, name in places:
        if (moment := fields.past_instant(holder, name)) is not None:
            return {"taken_at": moment, "taken_text": fields.partial_date(holder, name, is_whole="time")}
    return {"taken_at": None, "taken_text": ""}


def _flag(resource: dict[str, Any]) -> str:
    """The interpretation in the laboratory's words ("Critical high"), else in those of the source."""
    words = []
    for concept in fields.concepts(resource, "interpretation"):
        words.append(FLAGS.get(concept.code, concept.title))
    return fields.tidy("; ".join(dict.fromkeys(word for word in words if word)), "interpretation")


def _range(resource: dict[str, Any]) -> str:
    """The reference range: "3.5–5.1 mmol/L", "< 5", or its text; several are separated by ";"."""
    ranges = []
    for reference_range in fields.parts(resource, "referenceRange"):
        (low, unit), (high, other) = _quantity(reference_range, "low"), _quantity(reference_range, "high")
        span = f"{low}–{high}" if low and high else f"≥ {low}" if low else f"≤ {high}" if high else ""
        words = f"{span} {unit or other}".strip() or fields.line(reference_range, "text")
        kind = fields.concept(reference_range, "type").title
        ranges.append(
            f"{kind}: {words}" if kind and words and fields.status(reference_range, "type") != "normal" else words
        )
    return fields.tidy("; ".join(words for words in ranges if words), "referenceRange")


def _quantity(element: dict[str, Any], name: str) -> tuple[str, str]:
    quantity = fields.part(element, name)
    amount = fields.number(quantity, "value")
    if amount is None:
        return "", ""
    comparator = fields.code(quantity, "comparator")
    return comparator + fields.number_text(amount), fields.line(quantity, "unit", 50) or fields.line(
        quantity, "code", 50
    )


def _value(element: dict[str, Any]) -> tuple[str, str]:
    """The value as text and its unit; empty when there is none."""
    if "valueQuantity" in element:
        return _quantity(element, "valueQuantity")
    if "valueRange" in element:
        low, unit = _quantity(fields.part(element, "valueRange"), "low")
        high, other = _quantity(fields.part(element, "valueRange"), "high")
        return f"{low}–{high}".strip("–"), unit or other
    if "valueRatio" in element:
        numerator, unit = _quantity(fields.part(element, "valueRatio"), "numerator")
        denominator, other = _quantity(fields.part(element, "valueRatio"), "denominator")
        return (
            f"{numerator} {unit}".strip() + f" : {denominator} {other}".rstrip()
        ) if numerator and denominator else "", ""
    return _plain_value(element), ""


def _plain_value(element: dict[str, Any]) -> str:
    if value := fields.concept(element, "valueCodeableConcept").title:
        return value
    if (boolean := fields.flag(element, "valueBoolean")) is not None:
        return N_("yes") if boolean else N_("no")
    if (integer := fields.number(element, "valueInteger")) is not None:
        return fields.number_text(integer)
    for name in ("valueString", "valueDateTime", "valueTime"):
        if value := fields.line(element, name, MAX_VALUE_LENGTH):
            return value
    return fields.line(fields.part(element, "valuePeriod"), "start")


def _components(resource: dict[str, Any]) -> tuple[str, str]:
    components = []
    for component in fields.parts(resource, "component"):
        measured, (value, unit) = _measured(component), _value(component)
        if value:
            components.append((measured, value, unit))
    by_code = {measured.code: (value, unit) for measured, value, unit in components}
    if len(components) == 2 and by_code.keys() == {SYSTOLIC, DIASTOLIC}:
        return f"{by_code[SYSTOLIC][0]}/{by_code[DIASTOLIC][0]}", by_code[SYSTOLIC][1]
    return "; ".join(f"{measured.title}: {value} {unit}".strip() for measured, value, unit in components), ""
