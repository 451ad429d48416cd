"""The lists of this desk as files."""

from __future__ import annotations

from typing import Any

from hms.core.exports.columns import Column, ExportTable, instant
from hms.core.text.translation import N_
from hms.patients.exports import hospital_numbers, patient_columns
from hms.staff.directory import display_names
from hms.staff.login_security.activity import OUTCOMES, describe_device

from .audit_trail.labels import ENTITIES, action_label


def _values(values: dict[str, Any]) -> str:
    """The recorded values in one cell; clinical ones are masked already."""
    return "; ".join(f"{name}: {value}" for name, value in values.items())


_OUTCOMES = {"success": N_("Done"), "denied": N_("Refused"), "error": N_("Failed")}
_RECORDED = (
    Column("outcome", N_("Outcome"), words=_OUTCOMES),
    Column("object_type", N_("Kind of record"), words=ENTITIES),
    Column("object_id", N_("Number of the record")),
    Column("patient", N_("Hospital number"), names=hospital_numbers),
    Column("details", N_("Values"), read=_values),
    Column("ip_address", N_("Address")),
)
AUDIT_LOGS = ExportTable(
    "audit-logs",
    N_("Audit trail"),
    (
        instant("timestamp", N_("When")),
        Column("user", N_("Account")),
        Column("action", N_("Name of the action")),
        Column("description", N_("Action")),
        *_RECORDED,
    ),
    audited_as="admin.export_audit",
)
AUDIT_TRAIL = ExportTable(
    "audit-trail",
    N_("Audit trail"),
    (
        instant("timestamp", N_("When")),
        Column("user_id", N_("User"), names=display_names),
        Column("user", N_("Account")),
        Column("role", N_("Role")),
        Column("action", N_("Name of the action")),
        Column("did", N_("Action"), read=action_label),
        *_RECORDED,
        Column("purpose", N_("Purpose")),
    ),
    audited_as="admin.export_audit",
)
_ATTEMPT = (
    instant("timestamp", N_("When")),
    Column("username", N_("Account")),
    Column("status", N_("Outcome"), words={status: label for status, (_tone, label) in OUTCOMES.items()}),
    Column("ip_address", N_("Address")),
    Column("user_agent", N_("Device"), read=describe_device),
)
LOGIN_ACTIVITY = ExportTable("login-activity", N_("Sign-ins"), _ATTEMPT)
SIGN_INS = ExportTable("sign-ins", N_("Sign-ins"), _ATTEMPT)
EMERGENCY_ACCESS = ExportTable(
    "emergency-access",
    N_("Emergency access"),
    (
        instant("opened_at", N_("Opened")),
        Column("user", N_("User")),
        Column("role", N_("Role")),
        *patient_columns(),
        Column("reason", N_("Reason")),
        Column(
            "finding",
            N_("Finding"),
            words={"": N_("To review"), "justified": N_("Justified"), "unjustified": N_("Not justified")},
        ),
        Column("review_note", N_("Note")),
        Column("reviewed_by", N_("Reviewed by"), names=display_names),
        instant("reviewed_at", N_("Reviewed")),
    ),
)
