"""Tables of the escalations: the critical values, the steps of each, and who was told in each step."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hms.core.db.models import ImmutableRecord, Record
from hms.patients.models import Patient

from .enums import ESCALATION_TRANSITIONS, STEP_TRANSITIONS


class Escalation(Record):
    """One critical value that somebody must acknowledge: a score of vital signs, or one result of the laboratory.

    `subject` names what was measured, `value` is the recorded value as text, `number` as a number, if it is one.
    `replaced_by_id` is the escalation of the corrected value, when that is critical too.
    """

    __tablename__ = "escalation"
    transitions = ESCALATION_TRANSITIONS
    __table_args__ = (
        CheckConstraint("status IN ('open', 'acknowledged', 'corrected')", name="status_known"),
        CheckConstraint("num_nonnulls(vitals_reading_id, lab_result_id) = 1", name="one_cause"),
        CheckConstraint("(status = 'open') = (ended_at IS NULL)", name="ended_has_time"),
        CheckConstraint(
            "(acknowledged_by_id IS NOT NULL) = (acknowledged_at IS NOT NULL) "
            "AND (acknowledged_by_id IS NOT NULL) = (btrim(read_back) <> '')",
            name="acknowledged_with_value",
        ),
        CheckConstraint("status <> 'acknowledged' OR acknowledged_by_id IS NOT NULL", name="acknowledged_by_name"),
        CheckConstraint("btrim(subject) <> '' AND btrim(value) <> ''", name="value_given"),
        Index("uq_escalation_vitals_reading", "vitals_reading_id", unique=True),
        Index("uq_escalation_lab_result", "lab_result_id", unique=True),
        Index("ix_escalation_open", "began_at", "id", postgresql_where=text("status = 'open'")),
        Index("ix_escalation_began_at", "began_at", "id"),
        Index("ix_escalation_patient", "patient_id", "id"),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    vitals_reading_id: Mapped[int | None] = mapped_column(ForeignKey("vitals_reading.id", ondelete="RESTRICT"))
    lab_result_id: Mapped[int | None] = mapped_column(ForeignKey("lab_result.id", ondelete="RESTRICT"))
    encounter_id: Mapped[int | None] = mapped_column(ForeignKey("encounter.id", ondelete="RESTRICT"))
    doctor_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    reported_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    subject: Mapped[str]
    value: Mapped[str]
    number: Mapped[Decimal | None] = mapped_column(Numeric(14, 4))
    status: Mapped[str] = mapped_column(default="open")
    began_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    acknowledged_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    acknowledged_at: Mapped[dt.datetime | None]
    read_back: Mapped[str] = mapped_column(default="")
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("escalation.id", ondelete="RESTRICT"))

    patient: Mapped[Patient] = relationship(lazy="raise")


class EscalationStep(Record):
    """One step of an escalation, as the settings were when it began: who is told when it is due, over which channels."""

    __tablename__ = "escalation_step"
    transitions = STEP_TRANSITIONS
    __table_args__ = (
        CheckConstraint("status IN ('planned', 'done', 'dropped')", name="status_known"),
        CheckConstraint("who IN ('responsible', 'nurses', 'doctors', 'administrators')", name="who_known"),
        CheckConstraint("channels IN ('page', 'page_sms', 'page_email', 'all')", name="channels_known"),
        CheckConstraint("(status = 'done') = (done_at IS NOT NULL)", name="done_has_time"),
        CheckConstraint("position > 0", name="position_possible"),
        Index("uq_escalation_step_position", "escalation_id", "position", unique=True),
        Index("ix_escalation_step_due", "due_at", "id", postgresql_where=text("status = 'planned'")),
    )

    escalation_id: Mapped[int] = mapped_column(ForeignKey("escalation.id", ondelete="RESTRICT"))
    position: Mapped[int]
    who: Mapped[str]
    channels: Mapped[str]
    minutes: Mapped[int]
    due_at: Mapped[dt.datetime]
    status: Mapped[str] = mapped_column(default="planned")
    done_at: Mapped[dt.datetime | None]


class EscalationAlert(ImmutableRecord):
    """The alert of one person in one step: each person gets one in each step."""

    __tablename__ = "escalation_alert"
    __table_args__ = (
        Index("uq_escalation_alert_once", "step_id", "user_id", unique=True),
        Index("uq_escalation_alert_notification", "notification_id", unique=True),
        Index("ix_escalation_alert_user", "user_id", "step_id"),
    )

    step_id: Mapped[int] = mapped_column(ForeignKey("escalation_step.id", ondelete="RESTRICT"))
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    notification_id: Mapped[int] = mapped_column(ForeignKey("notification.id", ondelete="RESTRICT"))
