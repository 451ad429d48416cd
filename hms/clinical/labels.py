"""Labels of vital signs, their flags, the status of a diagnosis, and of documents that are handed out."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from .enums import IssuedKind

VITAL_SIGNS = {
    "temperature": _l("Temperature"),
    "systolic": _l("Systolic blood pressure"),
    "diastolic": _l("Diastolic blood pressure"),
    "pulse": _l("Pulse"),
    "respiratory_rate": _l("Respiratory rate"),
    "oxygen_saturation": _l("SpO₂"),
    "weight": _l("Weight"),
    "height": _l("Height"),
    "pain": _l("Pain"),
    "glucose": _l("Blood glucose"),
}
FLAGS = {
    "low": _l("Low"),
    "high": _l("High"),
    "critical_low": _l("Critical low"),
    "critical_high": _l("Critical high"),
}
CLINICAL_STATUSES = {"active": _l("Active"), "resolved": _l("Resolved"), "inactive": _l("Inactive")}
ISSUED_KINDS = {
    IssuedKind.PRESCRIPTION: _l("Prescription"),
    IssuedKind.REFERRAL_LETTER: _l("Referral letter"),
    IssuedKind.SICK_NOTE: _l("Sick note"),
    IssuedKind.VISIT_SUMMARY: _l("Visit summary"),
}
