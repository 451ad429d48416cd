"""The trail in plain words: what was done, to what."""

from __future__ import annotations

from hms.core.words import _

ENTITIES = {
    "patient": _("Patient"),
    "allergy": _("Allergy"),
    "appointment": _("Appointment"),
    "queue_entry": _("Queue entry"),
    "encounter": _("Encounter"),
    "vitals_reading": _("Vital signs"),
    "condition": _("Diagnosis"),
    "prescription": _("Prescription"),
    "dispense": _("Dispensed medicine"),
    "stock_movement": _("Stock movement"),
    "bill": _("Bill"),
    "bill_line": _("Bill line"),
    "payment": _("Payment"),
    "cash_shift": _("Cash shift"),
    "app_user": _("Account"),
    "role": _("Role"),
    "system_setting": _("Setting"),
}

DEEDS = {
    "insert": _("Added"),
    "update": _("Changed"),
    "delete": _("Removed"),
    "denied": _("Refused"),
    "read": _("Opened"),
}


def deed(old: dict | None, new: dict | None, outcome: str, action: str) -> str:
    """The kind of an entry: added, changed, removed, opened or refused."""
    if outcome == "denied":
        return DEEDS["denied"]
    if ".open" in action or ".read" in action:
        return DEEDS["read"]
    if old and not new:
        return DEEDS["delete"]
    return DEEDS["update"] if old else DEEDS["insert"]
