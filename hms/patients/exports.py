"""The lists of this desk as files, and the columns with which other desks say whose a row is."""

from __future__ import annotations

from sqlalchemy import select

from hms.core.db.session import db
from hms.core.exports.columns import Column, ExportTable, day, instant
from hms.core.text.formatting import person_name
from hms.core.text.translation import N_

from .addresses.queries import area_paths
from .identity.names import SEXES, gender_code
from .models import Patient


def hospital_numbers(patient_ids: set[int]) -> dict[int, str]:
    """The hospital numbers by the ids of patients."""
    query = select(Patient.id, Patient.hospital_number).where(Patient.id.in_(patient_ids))
    return {row.id: row.hospital_number for row in db.session.execute(query)}


def patient_names(patient_ids: set[int]) -> dict[int, str]:
    """The names by the ids of patients, as lists show them."""
    query = select(Patient.id, Patient.family_name, Patient.given_names).where(Patient.id.in_(patient_ids))
    return {row.id: person_name(row.family_name, row.given_names) for row in db.session.execute(query)}


def patient_columns(field: str = "patient") -> tuple[Column, Column]:
    """The columns with the number and the name of the patient whose id is in `field`."""
    return (
        Column(field, N_("Hospital number"), names=hospital_numbers),
        Column(field, N_("Patient"), names=patient_names),
    )


_ALLERGIES = {"": N_("Allergies not recorded"), "None": N_("No known allergies")}

PATIENTS = ExportTable(
    "patients",
    N_("Patients"),
    (
        Column("unique_id", N_("Hospital number")),
        Column("last_name", N_("Family name")),
        Column("first_name", N_("Given names")),
        Column("other_names", N_("Other names")),
        day("date_of_birth", N_("Date of birth")),
        Column("gender", N_("Sex"), words={gender_code(sex): word for sex, word in SEXES.items()}),
        Column("contact_info", N_("Phone")),
        Column("address", N_("Address")),
        Column("area", N_("Area"), names=area_paths),
        Column("known_allergies", N_("Allergies"), words=_ALLERGIES),
        Column("national_id", N_("National ID")),
        Column("other_numbers", N_("Other numbers")),
        Column("payer", N_("Payer")),
        Column("payer_number", N_("Number with the payer")),
        Column("deceased", N_("Deceased")),
        day("deceased_on", N_("Date of death")),
        instant("created_at", N_("Registered")),
        instant("updated_at", N_("Last changed")),
    ),
)

ORIGINAL_FIELDS = (
    *("unique_id", "first_name", "last_name", "date_of_birth", "gender", "contact_info", "address", "known_allergies"),
)
ORIGINAL = ExportTable(
    "patients",
    PATIENTS.title,
    tuple(Column(name, name) for name in ORIGINAL_FIELDS),
    has_field_names=True,
)
"""The columns of `GET /api/patients/export_csv/`, which programs of the first version read."""
