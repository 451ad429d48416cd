"""The list of escalations as a file."""

from __future__ import annotations

from hms.core.exports.columns import Column, ExportTable, instant
from hms.core.text.translation import N_
from hms.patients.exports import patient_columns
from hms.staff.directory import display_names

from .enums import Cause, EscalationStatus

_STATES = {
    EscalationStatus.OPEN: N_("Open"),
    EscalationStatus.ACKNOWLEDGED: N_("Acknowledged"),
    EscalationStatus.CORRECTED: N_("Value corrected"),
}
_CAUSES = {Cause.VITALS: N_("Vital signs"), Cause.RESULT: N_("Laboratory result")}

ESCALATIONS = ExportTable(
    "escalations",
    N_("Critical values"),
    (
        instant("began_at", N_("Since")),
        *patient_columns(),
        Column("cause", N_("Kind"), words=_CAUSES),
        Column("subject", N_("Measured")),
        Column("value", N_("Value")),
        Column("status", N_("Status"), words=_STATES),
        Column("doctor", N_("Doctor"), names=display_names),
        Column("steps_done", N_("Steps done")),
        Column("steps", N_("Steps")),
        Column("acknowledged_by", N_("Acknowledged by"), names=display_names),
        instant("acknowledged_at", N_("Acknowledged on")),
        Column("read_back", N_("Read back")),
        instant("ended_at", N_("Ended")),
    ),
)
