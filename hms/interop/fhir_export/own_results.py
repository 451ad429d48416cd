"""Builds the FHIR resources of records that only this hospital has: vital signs, laboratory results, documents."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from hms.clinical.vitals import rules
from hms.interop.fhir_import.observation import DIASTOLIC, LOINC, SYSTOLIC
from hms.interop.own_ids import DOCUMENT, RESULT, VITALS
from hms.lab import catalogue

from .resources import Resource, concept, interpretation, measured, ref

UCUM = "http://unitsofmeasure.org"
_CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
_PRESSURES = {"systolic": SYSTOLIC, "diastolic": DIASTOLIC}
BLOOD_PRESSURE = ("85354-9", "Blood pressure panel")


def vital_signs(row: Any, code: str) -> Iterator[Resource]:
    """One observation for each value of a reading; a blood pressure is one."""
    shared = _observation(row, "vital-signs") | {"effectiveDateTime": row.taken_at, "note": [{"text": row.note}]}
    number = f"hms-{code}-{VITALS}{row.id}"
    for key, vital in rules.vitals().items():
        value = getattr(row, key)
        if value is not None and key not in _PRESSURES:
            measure = {"code": concept(vital.loinc, LOINC, _title(key)), "valueQuantity": _quantity(value, vital)}
            yield {"id": f"{number}-{key.replace('_', '')}"} | shared | measure
    if row.systolic is not None or row.diastolic is not None:
        yield {"id": f"{number}-pressure"} | shared | _pressure(row)
    for key, value in (
        ("consciousness", row.consciousness),
        ("on_oxygen", row.on_oxygen),
        ("is_pregnant", row.is_pregnant),
    ):
        if value not in (None, ""):
            name = "valueString" if isinstance(value, str) else "valueBoolean"
            yield {"id": f"{number}-{key.replace('_', '')}"} | shared | {"code": {"text": _title(key)}, name: value}


def _title(key: str) -> str:
    return key.removeprefix("is_").replace("_", " ").capitalize()


def _quantity(value: Any, vital: Any) -> Resource:
    number = int(value) if value == int(value) else float(value)
    return {"value": number, "unit": vital.unit, "system": UCUM, "code": vital.ucum}


def _pressure(row: Any) -> Resource:
    known = rules.vitals()
    sides = [
        {"code": concept(loinc, LOINC, _title(key)), "valueQuantity": _quantity(getattr(row, key), known[key])}
        for key, loinc in _PRESSURES.items()
        if getattr(row, key) is not None
    ]
    return {"code": concept(BLOOD_PRESSURE[0], LOINC, BLOOD_PRESSURE[1]), "component": sides}


def _observation(row: Any, category: str) -> Resource:
    return {
        "status": "final",
        "category": [{"coding": [{"system": _CATEGORIES, "code": category}]}],
        "subject": ref(row.patient),
        "encounter": ref(row.visit),
    }


def lab_result(row: Any, code: str) -> Iterator[Resource]:
    """The observation of a result, with its flag and reference range."""
    test = catalogue.tests().get(row.code)
    yield {
        "id": f"hms-{code}-{RESULT}{row.id}",
        **_observation(row, "laboratory"),
        "status": "corrected" if row.is_corrected else "final",
        "code": concept(test.loinc if test else "", LOINC, row.title),
        "effectiveDateTime": row.entered_at,
        **measured(row.value, row.unit),
        "interpretation": interpretation(row.flag),
        "referenceRange": [{"text": row.range_text}],
        "note": [{"text": row.reason}],
    }


def document(row: Any, code: str) -> Iterator[Resource]:
    """The reference of a document, with the document itself."""
    title = f"{row.kind.capitalize()} {row.bill_number or ''}".strip()
    attachment = {
        "contentType": "application/pdf",
        "data": base64.b64encode(row.content).decode(),
        "size": len(row.content),
        "hash": base64.b64encode(hashlib.sha1(row.content, usedforsecurity=False).digest()).decode(),
        "title": title,
        "creation": row.made_at,
    }
    yield {
        "id": f"hms-{code}-{DOCUMENT}{row.id}",
        "status": "current",
        "type": {"text": row.kind.capitalize()},
        "subject": ref(row.patient),
        "date": row.made_at,
        "description": " ".join(part for part in (title, row.edition) if part),
        "content": [{"attachment": attachment}],
    }
