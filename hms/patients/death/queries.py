"""What is recorded of a patient's death."""

from __future__ import annotations

from sqlalchemy import select

from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.text.translation import N_
from hms.patients.enums import DeathStatus
from hms.patients.models import Death, Patient


def get_details(patient: Patient) -> Death | None:
    """The details of the death that the record has now; None when the patient lives, or when they were never recorded here
    (a death of an imported record)."""
    if not patient.has_died:
        return None
    same = select(Death).where(
        Death.patient_id == patient.id,
        Death.status == DeathStatus.RECORDED.value,
        Death.died_on.is_not_distinct_from(patient.deceased_on),
        Death.died_text == patient.deceased_text,
    )
    return db.session.scalars(same.order_by(Death.id.desc()).limit(1)).one_or_none()


def check_has_died(patient: Patient) -> None:
    """Raise `NotFound` for a patient without a recorded death."""
    if not patient.has_died:
        raise NotFound(N_("No death is recorded for this patient."))
