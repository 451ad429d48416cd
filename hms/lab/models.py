"""Tables of the laboratory: orders and results."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hms.clinical.models import Encounter
from hms.core.db.models import ImmutableRecord, VersionedRecord
from hms.core.text.translation import N_
from hms.patients.models import Patient
from hms.staff.models import User

from .enums import ORDER_TRANSITIONS


class LabOrder(VersionedRecord):
    """One test ordered for a patient (FHIR ServiceRequest). `test_code` is a code of the laboratory's list.

    `waiting` until every value of the test is entered, then `done`; `cancelled` by its doctor before a result.
    `status_before` is the status before its encounter was entered in error.
    """

    __tablename__ = "lab_order"
    transitions = ORDER_TRANSITIONS
    __table_args__ = (
        CheckConstraint("status IN ('waiting', 'done', 'cancelled')", name="status_known"),
        CheckConstraint("(status = 'done') = (done_at IS NOT NULL)", name="done_has_time"),
        Index("ix_lab_order_patient", "patient_id", text("id DESC")),
        Index("ix_lab_order_encounter", "encounter_id"),
        Index("ix_lab_order_done_at", "done_at"),
        Index("ix_lab_order_waiting", "is_urgent", "id", postgresql_where=text("status = 'waiting'")),
        Index(
            "uq_lab_order_test",
            "encounter_id",
            "test_code",
            unique=True,
            postgresql_where=text("status = 'waiting'"),
            info={"message": N_("This test is already ordered."), "field": "test", "code": "ordered"},
        ),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    encounter_id: Mapped[int] = mapped_column(ForeignKey("encounter.id", ondelete="RESTRICT"))
    test_code: Mapped[str]
    test_name: Mapped[str]
    is_urgent: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(default="waiting")
    status_reason: Mapped[str] = mapped_column(default="")
    status_before: Mapped[str] = mapped_column(default="", server_default="")
    ordered_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    ordered_at: Mapped[dt.datetime]
    done_at: Mapped[dt.datetime | None]

    patient: Mapped[Patient] = relationship(lazy="raise")
    encounter: Mapped[Encounter] = relationship(lazy="raise")
    ordered_by: Mapped[User] = relationship(lazy="raise")
    results: Mapped[list[LabResult]] = relationship(order_by="LabResult.id", lazy="raise")


class LabResult(ImmutableRecord):
    """One value as it was entered. A correction is a newer row of the same order and code, with its reason.

    `value` is the printed text, `number` the numeric value in `unit`, if any. `flag` and `range_text` are for the patient's
    sex and age on the day of entry.
    """

    __tablename__ = "lab_result"
    __table_args__ = (
        CheckConstraint("btrim(value) <> ''", name="value_given"),
        CheckConstraint("flag IN ('', 'Low', 'High', 'Critical low', 'Critical high')", name="flag_known"),
        Index("ix_lab_result_order", "order_id", "id"),
    )

    order_id: Mapped[int] = mapped_column(ForeignKey("lab_order.id", ondelete="RESTRICT"))
    code: Mapped[str]
    title: Mapped[str]
    value: Mapped[str]
    number: Mapped[Decimal | None] = mapped_column(Numeric(14, 4))
    unit: Mapped[str] = mapped_column(default="")
    range_text: Mapped[str] = mapped_column(default="")
    flag: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    entered_at: Mapped[dt.datetime]

    entered_by: Mapped[User] = relationship(lazy="raise")
