"""Sets a patient's allergy status after allergies were imported."""

from __future__ import annotations

from sqlalchemy import select, update

from hms.core import clock
from hms.core.db.session import db
from hms.patients.models import Allergy, Patient

from .allergy_intolerance import is_no_allergy_entry


def refresh(patient_ids: set[int]) -> None:
    """Make the status fit the records: known with an active allergy; none known only where the source said so.

    "None known" recorded here stays; "not asked" stays when the source has no allergy entry.
    """
    rows = db.session.execute(
        select(Allergy.patient_id, Allergy.status, Allergy.substance, Allergy.code)
        .where(Allergy.patient_id.in_(patient_ids), Allergy.status.in_(("active", "inactive")))
        .order_by(Allergy.id)
    ).all()
    allergic = {row.patient_id for row in rows if row.status == "active"}
    denying = {
        row.patient_id for row in rows if row.status == "inactive" and is_no_allergy_entry(row.substance, row.code)
    }
    _become("known", allergic, but_not=("known",))
    _become("none_known", denying - allergic, but_not=("none_known",))
    _become("not_asked", patient_ids - allergic - denying, but_not=("not_asked", "none_known"))


def _become(status: str, patient_ids: set[int], *, but_not: tuple[str, ...]) -> None:
    if patient_ids:
        concerned = (Patient.id.in_(patient_ids), Patient.allergy_status.not_in(but_not))
        db.session.execute(
            update(Patient.__table__)
            .where(*concerned)
            .values(allergy_status=status, allergy_status_at=clock.now(), version=Patient.version + 1)
        )
