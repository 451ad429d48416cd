"""FHIR Condition: a diagnosis or problem with its own code list."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from hms.clinical.diagnoses.icd10 import normalise_code
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
NO_PROBLEM = frozenset(
    {
        ("http://snomed.info/sct", "160245001"),
        ("http://snomed.info/sct", "160243008"),
        ("http://snomed.info/sct", "160244002"),
        ("http://snomed.info/sct", "701000119103"),
        ("http://snomed.info/sct", "1149088004"),
        (fields.ABSENT_OR_UNKNOWN, "no-known-problems"),
        (fields.ABSENT_OR_UNKNOWN, "no-problem-info"),
    }
)
"""Codes which say that there is no problem, or that none is known."""
_NO_PROBLEM_WORDS = re.compile(
    r"(?:no|none|nil|no known|no current|no active|no significant)\s*"
    r"(?:known|current|active|significant|medical|health|past)*\s*"
    r"(?:problems?|conditions?|diagnos[ei]s|illness(?:es)?|history|disorders?|information available)?(?:\s+known)?\.?",
    re.IGNORECASE,
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
    onset, onset_text = _onset(resource)
    abated = fields.day(resource, "abatementDateTime") or fields.day(fields.part(resource, "abatementPeriod"), "end")
    if onset and abated and _is_before(abated, onset, resource, onset_text):
        raise InvalidResource(N_("it ends before it begins."))
    return {
        "patient_id": patient_reference(resource, "subject"),
        "encounter_id": reference(resource, "encounter", "Encounter"),
        "code": (diagnosis.system == ICD10 and normalise_code(diagnosis.code)) or diagnosis.code,
        "code_system": diagnosis.system if diagnosis.code else "",
        "title": diagnosis.title,
        "certainty": "confirmed" if verified in ("confirmed", "") else "provisional",
        "clinical_status": _clinical_status(resource, has_abated=bool(abated)),
        "onset_on": onset,
        "onset_text": onset_text,
        "is_absence": is_absence(resource, diagnosis.title),
        "is_problem": is_problem(resource) and not is_absence(resource, diagnosis.title),
        "abated_on": abated,
        "status": "final",
    }


def is_absence(resource: dict[str, Any], title: str) -> bool:
    """Whether the resource says that there is no problem."""
    return bool(fields.codings(resource, "code") & NO_PROBLEM) or bool(_NO_PROBLEM_WORDS.fullmatch(title.strip()))


def is_problem(resource: dict[str, Any]) -> bool:
    """Whether it belongs on the problem list: what is only the diagnosis of a visit does not."""
    categories = {
        fields.code(coding, "code")
        for category in fields.parts(resource, "category")
        for coding in fields.parts(category, "coding")
    }
    return "problem-list-item" in categories or "encounter-diagnosis" not in categories


def _onset(resource: dict[str, Any]) -> tuple[date | None, str]:
    """The day of the onset, and in words what is not a day: "2019", "as a child", "age 12 years"."""
    period = fields.part(resource, "onsetPeriod")
    for holder, name in ((resource, "onsetDateTime"), (period, "start")):
        if (day := fields.day(holder, name)) is not None:
            return day, fields.partial_date(holder, name, is_whole="day")
    words = fields.line(resource, "onsetString")
    age, span = fields.part(resource, "onsetAge"), fields.part(resource, "onsetRange")
    if (value := fields.number(age, "value")) is not None:
        words = " ".join(("age", fields.number_text(value), fields.line(age, "unit") or fields.line(age, "code")))
    ends = [fields.part(span, end) for end in ("low", "high")]
    numbers = [fields.number(end, "value") for end in ends]
    if any(number is not None for number in numbers):
        shown = "–".join("" if number is None else fields.number_text(number) for number in numbers)
        words = f"age {shown} {fields.line(ends[1], 'unit') or fields.line(ends[0], 'unit')}"
    return None, words.strip()


def _is_before(abated: date, onset: date, resource: dict[str, Any], onset_text: str) -> bool:
    """Whether the end is before the onset as exactly as both are known: a year may end in its own spring."""
    written = resource.get("abatementDateTime") or fields.part(resource, "abatementPeriod").get("end") or ""
    known = min(len(written), len(onset_text) or len("2000-01-01"), len("2000-01-01"))
    return abated.isoformat()[:known] < onset.isoformat()[:known]


def _clinical_status(resource: dict[str, Any], *, has_abated: bool) -> str:
    status = fields.status(resource, "clinicalStatus")
    if status not in CLINICAL_STATUSES:
        return "resolved" if has_abated or fields.flag(resource, "abatementBoolean") else "active"
    return CLINICAL_STATUSES[status]
