"""The lists of this desk as files."""

from __future__ import annotations

from hms.core.exports.columns import Column, ExportTable, day, instant
from hms.core.text.translation import N_
from hms.formulary.exports import medicine_names
from hms.formulary.safety.reasons import OVERRIDE_REASONS
from hms.patients.exports import patient_columns
from hms.staff.directory import display_names

from .enums import EncounterStatus
from .prescriptions.display import STATUS_WORDS

_ENCOUNTER_STATES = {EncounterStatus.IN_PROGRESS: N_("Not signed"), EncounterStatus.SIGNED: N_("Signed")}

ENCOUNTERS = ExportTable(
    "encounters",
    N_("Encounters"),
    (
        instant("encounter_date", N_("Started")),
        *patient_columns(),
        Column("doctor", N_("Doctor"), names=display_names),
        Column("status", N_("Status"), words=_ENCOUNTER_STATES),
        Column("chief_complaint", N_("Complaint")),
        Column("diagnosis", N_("Diagnosis")),
        Column("notes", N_("Notes")),
        Column("treatment_plan", N_("Plan")),
        day("follow_up_on", N_("Follow-up")),
        instant("signed_at", N_("Signed on")),
        instant("created_at", N_("Entered")),
    ),
)
PRESCRIPTIONS = ExportTable(
    "prescriptions",
    N_("Prescriptions"),
    (
        instant("signed_at", N_("Signed on")),
        *patient_columns(),
        Column("medication_name", N_("Medicine as written")),
        Column("medication", N_("Medicine in the formulary"), names=medicine_names),
        Column("dosage", N_("Dose")),
        Column("frequency", N_("Frequency")),
        Column("duration", N_("Duration")),
        Column("instructions", N_("Instructions")),
        Column("indication", N_("Given for")),
        Column("quantity", N_("Quantity")),
        Column("quantity_dispensed", N_("Dispensed")),
        Column("status", N_("Status"), words=STATUS_WORDS),
        Column("could_not_check", N_("Could not be checked")),
        Column("not_checked", N_("Not in the lists")),
        Column("override_code", N_("Reason to prescribe anyway"), words=OVERRIDE_REASONS),
        Column("override_reason", N_("Explanation of the reason")),
        instant("created_at", N_("Entered")),
    ),
)
