"""Sets a patient's allergy status after allergies were imported."""

from __future__ import annotations

from sqlalchemy import select, update

from hms.core import clock
from hms.core.db.session import db
from hms.patients.models import Allergy, Patient

from .allergy_intolerance import is_no_allergy_entry


def refresh_allergy_status(patient_ids: set[int]) -> None:
    """Set the status by the records: "known" with an active allergy, "none known" only when the source says so.

    "None known" recorded here stays; "not asked" stays when the source has no allergy entry.
    """
    rows = db.session.execute(
        select(Allergy.patient_id, Allergy.status, Allergy.substance, Allergy.code)
        .where(Allergy.patient_id.in_(patient_ids), Allergy.status.in_(("active", "inactive")))
        .order_by(Allergy.id)
    ).all()
    allergic = {row.patient_id for row in rows if row.status == "active"}
    none_known = {
        row.patient_id for row in rows if row.status == "inactive" and is_no_allergy_entry(row.substance, row.code)
    }
    _set_status("known", allergic, unless=("known",))
    _set_status("none_known", none_known - allergic, unless=("none_known",))
    _set_status("not_asked", patient_ids - allergic - none_known, unless=("not_asked", "none_known"))


def _set_status(status: str, patient_ids: set[int], *, unless: tuple[str, ...]) -> None:
    if patient_ids:
        conditions = (Patient.id.in_(patient_ids), Patient.allergy_status.not_in(unless))
        db.session.execute(
            update(Patient.__table__)
            .where(*conditions)
            .values(allergy_status=status, allergy_status_at=clock.now(), version=Patient.version + 1)
        )
