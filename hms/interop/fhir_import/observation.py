"""FHIR Observation: a measurement or finding, with the value and unit as they were sent."""

from __future__ import annotations

from typing import Any

from hms.core.text.translation import N_
from hms.interop.fhir import fields
from hms.interop.fhir.ndjson import InvalidResource
from hms.interop.fhir.references import patient_reference, reference

LOINC = "http://loinc.org"
SYSTOLIC, DIASTOLIC = "8480-6", "8462-4"
MAX_VALUE_LENGTH = 2000


def values(resource: dict[str, Any]) -> dict[str, Any]:
    """The columns of `observation`. The components of a panel become one value, a blood pressure "120/80" in mm[Hg]."""
    if fields.code(resource, "status") == "cancelled":
        raise InvalidResource(N_("the measurement was cancelled."))
    measured = fields.concept(resource, "code", prefer=(LOINC,))
    if not measured.title:
        raise InvalidResource(N_("it does not say what was measured."))
    value, unit = _value(resource)
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
        "taken_at": _taken_at(resource),
    }


def _taken_at(resource: dict[str, Any]) -> Any:
    return (
        fields.past_instant(resource, "effectiveDateTime")
        or fields.past_instant(resource, "effectiveInstant")
        or fields.past_instant(fields.part(resource, "effectivePeriod"), "start")
        or fields.past_instant(resource, "issued")
    )


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
        measured, (value, unit) = fields.concept(component, "code", prefer=(LOINC,)), _value(component)
        if value:
            components.append((measured, value, unit))
    by_code = {measured.code: (value, unit) for measured, value, unit in components}
    if len(components) == 2 and by_code.keys() == {SYSTOLIC, DIASTOLIC}:
        return f"{by_code[SYSTOLIC][0]}/{by_code[DIASTOLIC][0]}", by_code[SYSTOLIC][1]
    return "; ".join(f"{measured.title}: {value} {unit}".strip() for measured, value, unit in components), ""
