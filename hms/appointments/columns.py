"""The columns that lists of this desk show of a patient and of a doctor."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func

from hms.patients.models import Patient
from hms.staff.models import User

PATIENT = (
    Patient.family_name,
    Patient.given_names.label("given_name"),
    Patient.title,
    Patient.birth_date.label("date_of_birth"),
    Patient.birth_is_estimated,
    Patient.sex,
    Patient.hospital_number,
    Patient.deceased_on,
)


def staff_name(user: Any = User) -> Any:
    """The name colleagues read, "Dr Amadu Bah", as a column; the account's name where none is recorded."""
    parts = (func.nullif(user.title, ""), func.nullif(user.first_name, ""), func.nullif(user.last_name, ""))
    return func.coalesce(func.nullif(func.concat_ws(" ", *parts), ""), user.username)
