"""The allergy and interaction checks as a program asks for them, apart from any order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hms.core.text.translation import N_
from hms.formulary.medicines import catalogue
from hms.formulary.medicines import queries as formulary
from hms.formulary.safety.allergy_check import check_allergies
from hms.formulary.safety.checks import medicine_from_text
from hms.formulary.safety.knowledge import Medicine
from hms.formulary.safety.other_checks import CurrentMedicine, check_interactions
from hms.patients.models import Patient

from . import patient_context

MAX_MEDICINES = 30


def _find_medicine(name: str) -> Medicine:
    product = formulary.find_medication_by_text(name)
    return Medicine.from_record(product) if product else medicine_from_text(name, catalogue.load_knowledge())


def check_allergy(patient: Patient, name: str) -> dict[str, Any]:
    """{"alert", "message", "outcome"}: outcome is fired, clear or could_not_run, and the message says why."""
    check = check_allergies(_find_medicine(name), patient_context.allergy_entries(patient), catalogue.load_knowledge())
    messages = [str(alert.message) for alert in check.alerts] + ([str(check.missing)] if check.missing else [])
    return {
        "alert": bool(check.alerts),
        "message": " ".join(messages) or N_("No recorded allergy to this medicine."),
        "outcome": check.outcome,
    }


def check_interactions(names: Iterable[str]) -> dict[str, Any]:
    """{"interactions": [{"drugs", "severity", "description"}], "not_checked": [names unknown here]}."""
    named = [_find_medicine(name) for name in names if name.strip()]
    found = []
    for place, medicine in enumerate(named):
        for other in named[place + 1 :]:
            check = check_interactions(medicine, [CurrentMedicine(other)], catalogue.load_knowledge())
            drugs = [medicine.name, other.name]
            found += [{"drugs": drugs, "severity": one.tier, "description": str(one.message)} for one in check.alerts]
    return {"interactions": found, "not_checked": [one.name for one in named if not one.ingredients]}
