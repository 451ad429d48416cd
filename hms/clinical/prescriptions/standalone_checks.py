"""Allergy and interaction checks of the API, without a prescription."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hms.core.text.translation import N_
from hms.formulary.medicines import catalogue
from hms.formulary.medicines import queries as formulary
from hms.formulary.safety.allergy_check import allergy_check
from hms.formulary.safety.checks import medicine_from_text
from hms.formulary.safety.knowledge import Medicine
from hms.formulary.safety.other_checks import Current, interaction_check
from hms.patients.models import Patient

from . import patient_context

MAX_MEDICINES = 30


def _find_medicine(name: str) -> Medicine:
    product = formulary.medication_named(name)
    return Medicine.on_record(product) if product else medicine_from_text(name, catalogue.knowledge())


def check_allergy(patient: Patient, name: str) -> dict[str, Any]:
    """Return {"alert", "message", "outcome"}; `outcome` is fired, clear or could_not_run, `message` the reason."""
    check = allergy_check(_find_medicine(name), patient_context.allergy_entries(patient), catalogue.knowledge())
    messages = [str(alert.message) for alert in check.alerts] + ([str(check.missing)] if check.missing else [])
    return {
        "alert": bool(check.alerts),
        "message": " ".join(messages) or N_("No recorded allergy to this medicine."),
        "outcome": check.outcome,
    }


def check_interactions(names: Iterable[str]) -> dict[str, Any]:
    """Return {"interactions": [{"drugs", "severity", "description"}], "not_checked": [unknown names]}."""
    medicines = [_find_medicine(name) for name in names if name.strip()]
    interactions = []
    for place, medicine in enumerate(medicines):
        for other in medicines[place + 1 :]:
            check = interaction_check(medicine, [Current(other)], catalogue.knowledge())
            drugs = [medicine.name, other.name]
            interactions += [
                {"drugs": drugs, "severity": alert.tier, "description": str(alert.message)} for alert in check.alerts
            ]
    return {
        "interactions": interactions,
        "not_checked": [medicine.name for medicine in medicines if not medicine.ingredients],
    }
