"""Identity of a patient under the names that the macros of `patient.html` use: query columns and dataclass fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from hms.patients.models import Patient

IDENTITY = (
    Patient.family_name,
    Patient.given_names.label("given_name"),
    Patient.title,
    Patient.birth_date.label("date_of_birth"),
    Patient.birth_is_estimated,
    Patient.sex,
    Patient.hospital_number,
    Patient.deceased_on,
    Patient.deceased_text,
)
"""The columns of `Identified`, in its order."""
PATIENT_COLUMNS = (Patient.id, *IDENTITY)
"""The columns with which a list shows a patient."""


@dataclass(slots=True)
class Identified:
    """The fields shown wherever a patient is named."""

    family_name: str
    given_name: str
    title: str
    date_of_birth: date | None
    birth_is_estimated: bool
    sex: str
    hospital_number: str
    deceased_on: date | None
    deceased_text: str
