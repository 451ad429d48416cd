"""The banner of a patient on every page about them: identity, allergies, number of patients with the same name."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, null, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, array

from hms.core.db.fixed_words import fixed_word
from hms.core.db.folding import folded
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.patients.access import policy
from hms.patients.access.reader import ReaderKind, reader_kind, reader_values
from hms.patients.enums import DocumentCategory, DocumentStatus, PatientStatus
from hms.patients.identity.columns import Identified
from hms.patients.models import ALLERGY_WORDS, Allergy, BreakGlass, Patient, RecordDocument


def reads_allergies(who: Person) -> bool:
    """Whether the role of `who` sees substances, where the record is open to them (`access`)."""
    return who.may(Permission.READ_ALLERGIES) or who.is_patient


@dataclass
class Banner(Identified):
    """The data of the macro `patient_banner`; `allergies` is empty for those who may see only the status.

    `emergency_until` is the end of the reader's emergency access (UTC), if any.
    """

    id: int
    allergy_status: str
    allergies: list[str]
    same_name_count: int
    emergency_until: datetime | None = None
    queue_words: str = ""
    photo_id: int | None = None
    """The photo that the reader may see."""
    is_restricted: bool = False
    """Whether the record opens to the care team only, or with a reason."""
    is_withdrawn: bool = False
    """Whether the record was withdrawn: it is read only, by those who may see withdrawn records."""

    @property
    def allergy_words(self) -> str:
        return ALLERGY_WORDS[self.allergy_status]


def patient_banner(patient: Patient, who: Person) -> Banner:
    """The banner of `patient` for `who`, in one query."""
    return _banner(
        patient,
        db.session.execute(
            _for_banner(with_allergies=reads_allergies(who), kind=reader_kind(who)),
            {"patient_id": patient.id, "name": sorted_as(patient)} | reader_values(who),
        ).one(),
    )


def sorted_as(patient: Patient) -> str:
    """The name by which lists are sorted and others of the same name are row."""
    return f"{patient.family_name}, {patient.given_names}"


def _banner(patient: Patient, row: Any) -> Banner:
    """Build the banner from the row of `_for_banner`; mark the request when access is by break-glass."""
    if row.emergency_until is not None:
        policy.mark_emergency_access()
    return Banner(
        *(getattr(patient, column.name) for column in fields(Identified)),
        id=patient.id,
        allergy_status=patient.allergy_status,
        allergies=[" – ".join(filter(None, pair)) for pair in row.reactions or ()],
        same_name_count=row.same_name_count,
        emergency_until=row.emergency_until,
        photo_id=row.photo_id,
        is_restricted=patient.is_restricted,
        is_withdrawn=patient.status == PatientStatus.WITHDRAWN,
    )


_TWIN = Patient.__table__.alias("twin")


@cache
def _for_banner(*, with_allergies: bool, kind: ReaderKind) -> Select:
    """Columns: number of others with this name, allergies, and until when the reader has emergency access."""
    patient_id, name = bindparam("patient_id"), bindparam("name")
    who = kind.reader()
    same = (
        select(func.count())
        .select_from(_TWIN)
        .where(_TWIN.c.sort_name == folded(name), _TWIN.c.id != patient_id, _TWIN.c.status == "active")
    )
    reactions = select(
        func.array_agg(aggregate_order_by(array([Allergy.substance, Allergy.reaction]), Allergy.id))
    ).where(Allergy.patient_id == patient_id, Allergy.status == "active", policy.readable_by(who, Allergy.patient_id))
    until = select(func.max(BreakGlass.expires_at)).where(
        BreakGlass.user_id == who.at.reader_id,
        BreakGlass.patient_id == patient_id,
        BreakGlass.expires_at > who.at.reader_now,
    )
    photo = select(func.max(RecordDocument.id)).where(
        RecordDocument.patient_id == patient_id,
        RecordDocument.category == fixed_word(DocumentCategory.PHOTO.value),
        RecordDocument.status == fixed_word(DocumentStatus.KEPT.value),
        policy.readable_by(who, RecordDocument.patient_id),
    )
    reaction_column = reactions.scalar_subquery() if with_allergies else null()
    columns = {
        "same_name_count": same.scalar_subquery(),
        "reactions": reaction_column,
        "photo_id": photo.scalar_subquery(),
        "emergency_until": until.scalar_subquery(),
    }
    return select(*(column.label(name) for name, column in columns.items()))
