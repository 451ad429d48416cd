"""Allergy and interaction checks of the API, without a prescription."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hms.core.text.translation import N_, Sentence
from hms.formulary.medicines import catalogue
from hms.formulary.medicines import queries as formulary
from hms.formulary.safety import allergy_check, other_checks
from hms.formulary.safety.alerts import NO_RULES
from hms.formulary.safety.checks import medicine_from_text
from hms.formulary.safety.knowledge import Medicine
from hms.formulary.safety.other_checks import CurrentMedicine
from hms.patients.models import Patient

from . import patient_context

MAX_MEDICINES = 30


def _find_medicine(name: str) -> Medicine:
    product = formulary.find_medication_by_text(name)
    return Medicine.from_record(product) if product else medicine_from_text(name, catalogue.load_knowledge())


def check_allergy(patient: Patient, name: str) -> dict[str, Any]:
    """Return {"alert", "message", "outcome", "looked_up"}; `outcome` is fired, clear or could_not_run, `message` the reason.

    `alert` is true unless the check is clear: what could not be checked is no safe medicine.
    """
    check = allergy_check.check_allergies(
        _find_medicine(name), patient_context.allergy_entries(patient), catalogue.load_knowledge()
    )
    messages = [str(alert.message) for alert in check.alerts] + ([str(check.missing)] if check.missing else [])
    return {
        "alert": check.outcome != "clear",
        "message": " ".join(messages) or N_("No recorded allergy to this medicine."),
        "outcome": check.outcome,
        "looked_up": str(check.looked_up or ""),
    }


def check_interactions(names: Iterable[str]) -> dict[str, Any]:
    """Return {"interactions": [{"drugs", "severity", "description"}], "not_checked": [unknown names], "looked_up"}.

    A medicine that is not known is also an entry of `interactions`, with the severity "not_checked".
    """
    medicines = [_find_medicine(name) for name in names if name.strip()]
    is_readable = catalogue.load_knowledge().is_readable
    unknown = [medicine.name for medicine in medicines if not is_readable or not medicine.ingredients]
    interactions = []
    for place, medicine in enumerate(medicines):
        for other in medicines[place + 1 :]:
            check = other_checks.check_interactions(medicine, [CurrentMedicine(other)], catalogue.load_knowledge())
            drugs = [medicine.name, other.name]
            interactions += [
                {"drugs": drugs, "severity": alert.tier, "description": str(alert.message)} for alert in check.alerts
            ]
    message = N_("%(medicine)s is not in the formulary. It was not checked.") if is_readable else NO_RULES.message
    interactions += [
        {"drugs": [name], "severity": "not_checked", "description": str(Sentence(message, medicine=name))}
        for name in unknown
    ]
    known = [medicine.name for medicine in medicines if medicine.ingredients]
    return {
        "interactions": interactions,
        "not_checked": unknown,
        "looked_up": str(other_checks.describe_pairs(known, catalogue.load_knowledge())),
    }
