"""Tables of the clinical desk: encounters, vitals, diagnoses, prescriptions, immunisations, note templates."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hms.appointments.models import Appointment, QueueEntry
from hms.core.db.models import ImmutableRecord, Record, UnauditedRecord, VersionedRecord
from hms.core.db.session import db
from hms.core.text.translation import N_
from hms.formulary.models import Medication
from hms.patients.models import Patient
from hms.staff.models import User

from .enums import ENCOUNTER_TRANSITIONS, ENTRY_TRANSITIONS, PRESCRIPTION_TRANSITIONS

ICD10 = "http://hl7.org/fhir/sid/icd-10"


class Encounter(VersionedRecord):
    """A clinician's record of one visit. A trigger refuses changes of a signed encounter; only addenda can be added.

    `diagnosis` is the text that the API shows; the list of diagnoses is `conditions`. Of an imported encounter the time may
    not be known: `started_at` is empty, or `started_text` has as much as is known ("2023-05").
    """

    __tablename__ = "encounter"
    transitions = ENCOUNTER_TRANSITIONS
    __table_args__ = (
        CheckConstraint("status IN ('in_progress', 'signed', 'entered_in_error')", name="status_known"),
        CheckConstraint(
            "(signed_at IS NOT NULL) = (status = 'signed') OR status = 'entered_in_error' "
            "OR (external_id IS NOT NULL AND status = 'signed')",
            name="signed_has_time",
        ),
        CheckConstraint("started_at IS NOT NULL OR external_id IS NOT NULL", name="begins"),
        Index("ix_encounter_patient", "patient_id", text("started_at DESC"), text("id DESC")),
        Index("ix_encounter_doctor", "doctor_id", "id"),
        Index("ix_encounter_signed_at", "signed_at", "id"),
        Index("ix_encounter_started_at", "started_at", "id"),
        Index("ix_encounter_created_at", "created_at", "id"),
        Index("ix_encounter_open", "doctor_id", postgresql_where=text("status = 'in_progress'")),
        Index(
            "uq_encounter_queue_entry",
            "queue_entry_id",
            unique=True,
            postgresql_where=text("status <> 'entered_in_error'"),
            info={"message": N_("This visit already has an encounter."), "field": "queue_entry"},
        ),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id", ondelete="RESTRICT"), index=True)
    queue_entry_id: Mapped[int | None] = mapped_column(ForeignKey("queue_entry.id", ondelete="RESTRICT"))
    doctor_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    performer_name: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="in_progress")
    kind: Mapped[str] = mapped_column(default="")
    started_at: Mapped[dt.datetime | None]
    started_text: Mapped[str] = mapped_column(default="", server_default="")
    ended_at: Mapped[dt.datetime | None]
    chief_complaint: Mapped[str] = mapped_column(default="")
    notes: Mapped[str] = mapped_column(default="")
    diagnosis: Mapped[str] = mapped_column(default="")
    no_diagnosis_reason: Mapped[str] = mapped_column(default="")
    plan: Mapped[str] = mapped_column(default="")
    follow_up_on: Mapped[dt.date | None]
    signed_at: Mapped[dt.datetime | None]
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    external_id: Mapped[str | None] = mapped_column(unique=True)

    patient: Mapped[Patient] = relationship(lazy="raise")
    doctor: Mapped[User | None] = relationship(foreign_keys=doctor_id, lazy="raise")
    appointment: Mapped[Appointment | None] = relationship(lazy="raise")
    queue_entry: Mapped[QueueEntry | None] = relationship(lazy="raise")
    conditions: Mapped[list[Condition]] = relationship(
        back_populates="encounter", order_by="Condition.rank", lazy="raise"
    )
    prescriptions: Mapped[list[Prescription]] = relationship(
        back_populates="encounter", order_by="Prescription.id", lazy="raise"
    )
    addenda: Mapped[list[Addendum]] = relationship(order_by="Addendum.id", lazy="raise")


class Addendum(ImmutableRecord):
    """Text added to an encounter after signing."""

    __tablename__ = "addendum"
    __table_args__ = (
        CheckConstraint(
            "btrim(text) <> ''", name="text_given", info={"message": N_("Enter the addendum."), "field": "text"}
        ),
    )

    encounter_id: Mapped[int] = mapped_column(ForeignKey("encounter.id", ondelete="RESTRICT"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    text: Mapped[str]

    author: Mapped[User] = relationship(lazy="raise")


class IssuedDocument(Record):
    """A document handed out after a signed encounter. Its text never changes; `status` says when it does not count any more.

    `code` is printed on it, so that the hospital can say whether it is genuine. A referral letter has `addressee` and `body`;
    a sick note has its first and last day, and `shows_diagnosis` when the patient wants the diagnosis on it. The rest is
    read from the encounter. `language` is that of the printed words.
    """

    __tablename__ = "issued_document"
    transitions = ENTRY_TRANSITIONS
    __table_args__ = (
        CheckConstraint("kind IN ('prescription', 'referral_letter', 'sick_note', 'visit_summary')", name="kind_known"),
        CheckConstraint("status IN ('final', 'entered_in_error')", name="status_known"),
        CheckConstraint(
            "(kind = 'sick_note') = (from_on IS NOT NULL) AND (from_on IS NULL) = (until_on IS NULL)", name="days_given"
        ),
        CheckConstraint(
            "until_on >= from_on",
            name="ends_after_beginning",
            info={"message": N_("The sick leave cannot end before it begins."), "field": "until_on"},
        ),
        CheckConstraint(
            "kind <> 'referral_letter' OR (btrim(addressee) <> '' AND btrim(body) <> '')", name="letter_written"
        ),
    )

    encounter_id: Mapped[int] = mapped_column(ForeignKey("encounter.id", ondelete="RESTRICT"), index=True)
    kind: Mapped[str]
    code: Mapped[str] = mapped_column(unique=True)
    language: Mapped[str]
    addressee: Mapped[str] = mapped_column(default="")
    body: Mapped[str] = mapped_column(default="")
    from_on: Mapped[dt.date | None]
    until_on: Mapped[dt.date | None]
    shows_diagnosis: Mapped[bool] = mapped_column(default=False)
    issued_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    status: Mapped[str] = mapped_column(default="final")

    encounter: Mapped[Encounter] = relationship(lazy="raise")
    issued_by: Mapped[User] = relationship(lazy="raise")


class VitalsReading(Record):
    """One set of vital signs; every value is optional. Units: °C, mmHg, /min, % (SpO₂), kg, cm, mmol/L, pain 0–10."""

    __tablename__ = "vitals_reading"
    transitions = ENTRY_TRANSITIONS
    __table_args__ = (
        CheckConstraint(
            "temperature BETWEEN 25 AND 45",
            name="temperature_possible",
            info={"message": N_("Enter a temperature from 25 to 45 °C."), "field": "temperature"},
        ),
        CheckConstraint(
            "systolic BETWEEN 30 AND 300 AND diastolic BETWEEN 10 AND 200 AND diastolic < systolic",
            name="pressure_possible",
            info={"message": N_("Check the blood pressure."), "field": "blood_pressure"},
        ),
        CheckConstraint(
            "oxygen_saturation BETWEEN 30 AND 100",
            name="saturation_possible",
            info={"message": N_("Enter SpO₂ from 30 to 100 %."), "field": "oxygen_saturation"},
        ),
        CheckConstraint(
            "pulse BETWEEN 10 AND 300 AND respiratory_rate BETWEEN 3 AND 120",
            name="rates_possible",
            info={"message": N_("Check pulse and respiratory rate."), "field": "pulse"},
        ),
        CheckConstraint(
            "weight BETWEEN 0.3 AND 400 AND height BETWEEN 20 AND 250",
            name="size_possible",
            info={"message": N_("Check weight and height."), "field": "weight"},
        ),
        CheckConstraint(
            "pain BETWEEN 0 AND 10 AND glucose BETWEEN 0.1 AND 60",
            name="pain_and_glucose_possible",
            info={"message": N_("Check pain and glucose."), "field": "pain"},
        ),
        CheckConstraint("status IN ('final', 'entered_in_error')", name="status_known"),
        CheckConstraint("saturation_scale IN (1, 2)", name="saturation_scale_known"),
        Index("ix_vitals_reading_patient", "patient_id", text("taken_at DESC")),
        Index("ix_vitals_reading_encounter", "encounter_id"),
        Index("ix_vitals_reading_queue_entry", "queue_entry_id"),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    encounter_id: Mapped[int | None] = mapped_column(ForeignKey("encounter.id", ondelete="RESTRICT"))
    queue_entry_id: Mapped[int | None] = mapped_column(ForeignKey("queue_entry.id", ondelete="RESTRICT"))
    taken_at: Mapped[dt.datetime]
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    temperature: Mapped[Decimal | None] = mapped_column(Numeric(4, 1))
    systolic: Mapped[int | None]
    diastolic: Mapped[int | None]
    pulse: Mapped[int | None]
    respiratory_rate: Mapped[int | None]
    oxygen_saturation: Mapped[Decimal | None] = mapped_column(Numeric(4, 1))
    saturation_scale: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    on_oxygen: Mapped[bool | None]
    consciousness: Mapped[str] = mapped_column(default="")
    is_pregnant: Mapped[bool | None]
    weight: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    height: Mapped[Decimal | None] = mapped_column(Numeric(5, 1))
    glucose: Mapped[Decimal | None] = mapped_column(Numeric(4, 1))
    pain: Mapped[int | None]
    note: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="final")
    status_reason: Mapped[str] = mapped_column(default="")

    taken_by: Mapped[User | None] = relationship(lazy="raise")


class SaturationScale(ImmutableRecord):
    """The SpO₂ scale that a doctor prescribed for a patient: 2 for a saturation of 88–92 %, 1 to go back. The newest counts."""

    __tablename__ = "saturation_scale"
    __table_args__ = (
        CheckConstraint("scale IN (1, 2)", name="scale_known"),
        CheckConstraint("btrim(reason) <> ''", name="reason_given"),
        Index("ix_saturation_scale_patient", "patient_id", "id"),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    scale: Mapped[int]
    reason: Mapped[str]
    ordered_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))


class Observation(Record):
    """A measurement from imported records; code, value and unit are stored as they were sent.

    `parts` are the values of a panel that also has a value of its own ("Eyes 2; Verbal 3"). `taken_text` is set when the
    time of day is not known.
    """

    __tablename__ = "observation"
    __table_args__ = (Index("ix_observation_patient", "patient_id", text("taken_at DESC")),)

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    encounter_id: Mapped[int | None] = mapped_column(ForeignKey("encounter.id", ondelete="RESTRICT"), index=True)
    code: Mapped[str]
    code_system: Mapped[str] = mapped_column(default="")
    title: Mapped[str]
    value: Mapped[str]
    unit: Mapped[str] = mapped_column(default="")
    parts: Mapped[str] = mapped_column(default="", server_default="")
    flag: Mapped[str] = mapped_column(default="", server_default="")
    range_text: Mapped[str] = mapped_column(default="", server_default="")
    taken_at: Mapped[dt.datetime | None]
    taken_text: Mapped[str] = mapped_column(default="", server_default="")
    external_id: Mapped[str | None] = mapped_column(unique=True)


class Condition(Record):
    """A diagnosis or problem, coded when `code` is set; `code_system` is the FHIR URL of the code system.

    `is_problem`: it is on the problem list, not only the diagnosis of a visit (FHIR category "problem-list-item").
    `is_absence`: it is no problem but the statement that there is none. `onset_text` is an onset that is not a day: "2019",
    "as a child".
    """

    __tablename__ = "condition"
    transitions = ENTRY_TRANSITIONS
    __table_args__ = (
        CheckConstraint("certainty IN ('provisional', 'confirmed')", name="certainty_known"),
        CheckConstraint("clinical_status IN ('active', 'resolved', 'inactive')", name="clinical_status_known"),
        CheckConstraint("btrim(title) <> ''", name="titled"),
        Index("ix_condition_patient", "patient_id", "clinical_status"),
        Index("ix_condition_encounter", "encounter_id"),
        Index("ix_condition_code", "code"),
        CheckConstraint(
            "abated_on IS NULL OR clinical_status <> 'active' OR external_id IS NOT NULL OR NOT is_problem",
            name="active_has_no_end",
        ),
        CheckConstraint(
            "abated_on IS NULL OR onset_on IS NULL OR abated_on >= onset_on OR external_id IS NOT NULL",
            name="ends_after_onset",
            info={"message": N_("The problem cannot end before it began."), "field": "resolved_on"},
        ),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    encounter_id: Mapped[int | None] = mapped_column(ForeignKey("encounter.id", ondelete="RESTRICT"))
    code: Mapped[str] = mapped_column(default="")
    code_system: Mapped[str] = mapped_column(default="")
    title: Mapped[str]
    rank: Mapped[int] = mapped_column(default=1)
    certainty: Mapped[str] = mapped_column(default="provisional")
    clinical_status: Mapped[str] = mapped_column(default="active")
    onset_on: Mapped[dt.date | None]
    onset_text: Mapped[str] = mapped_column(default="", server_default="")
    is_absence: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    is_problem: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    abated_on: Mapped[dt.date | None]
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    status: Mapped[str] = mapped_column(default="final")
    external_id: Mapped[str | None] = mapped_column(unique=True)

    encounter: Mapped[Encounter | None] = relationship(back_populates="conditions", lazy="raise")


class Prescription(VersionedRecord):
    """One prescribed medicine (FHIR MedicationRequest). `quantity` and `quantity_dispensed` are in the medicine's units.

    `draft` until the encounter is signed, then `active` (to dispense), `part_dispensed` (owing), `completed`.
    An imported prescription has no `signed_at`; `authored_at` is the time when it was written. While it is `active` it
    counts as a current medicine, but it is never in the dispensing queue and never dispensed. `supply_text` is its quantity
    with the unit, as it was sent ("200 mL"). `status_before` is the status before its encounter was entered in error.
    `reasons` are the reasons to give it all the same, by the keys of the findings; `override_code` and `override_reason` are
    the first of them.
    """

    __tablename__ = "prescription"
    transitions = PRESCRIPTION_TRANSITIONS
    __table_args__ = (
        CheckConstraint(
            "status IN ('draft', 'active', 'on_hold', 'part_dispensed', 'completed', 'stopped', 'entered_in_error')",
            name="status_known",
        ),
        CheckConstraint(
            "quantity IS NULL OR quantity BETWEEN 1 AND 100000",
            name="quantity_possible",
            info={"message": N_("Enter a quantity from 1 to 100,000."), "field": "quantity"},
        ),
        CheckConstraint(
            "quantity_dispensed >= 0 AND quantity_dispensed <= coalesce(quantity, 100000)",
            name="not_over_dispensed",
            info={"message": N_("This is more than was prescribed."), "field": "quantity"},
        ),
        CheckConstraint(
            "external_id IS NULL OR (signed_at IS NULL AND quantity_dispensed = 0)",
            name="imported_not_dispensed",
            info={
                "message": N_(
                    "This medicine was prescribed elsewhere. A doctor prescribes it here before it is dispensed."
                ),
            },
        ),
        CheckConstraint(
            "btrim(medication_name) <> ''",
            name="named",
            info={"message": N_("Choose or enter the medicine."), "field": "medication_name"},
        ),
        Index("ix_prescription_patient", "patient_id", text("id DESC")),
        Index("ix_prescription_encounter", "encounter_id"),
        Index("ix_prescription_created_at", "created_at", "id"),
        Index("ix_prescription_day", text("coalesce(signed_at, created_at)")),
        Index("ix_prescription_on_hold", "prescriber_id", postgresql_where=text("status = 'on_hold'")),
        Index(
            "ix_prescription_waiting",
            "signed_at",
            "id",
            postgresql_where=text("status IN ('active', 'part_dispensed', 'on_hold')"),
        ),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    encounter_id: Mapped[int | None] = mapped_column(ForeignKey("encounter.id", ondelete="RESTRICT"))
    medication_id: Mapped[int | None] = mapped_column(ForeignKey("medication.id", ondelete="RESTRICT"), index=True)
    medication_name: Mapped[str]
    dosage: Mapped[str] = mapped_column(default="")
    frequency: Mapped[str] = mapped_column(default="")
    duration: Mapped[str] = mapped_column(default="")
    instructions: Mapped[str] = mapped_column(default="")
    indication: Mapped[str] = mapped_column(default="", server_default="")
    dose_amount: Mapped[Decimal | None] = mapped_column(Numeric(10, 3))
    dose_unit: Mapped[str] = mapped_column(default="")
    route: Mapped[str] = mapped_column(default="")
    frequency_code: Mapped[str] = mapped_column(default="")
    as_needed: Mapped[bool] = mapped_column(default=False)
    max_per_day: Mapped[Decimal | None] = mapped_column(Numeric(10, 3))
    days: Mapped[int | None]
    quantity: Mapped[int | None]
    supply_text: Mapped[str] = mapped_column(default="", server_default="")
    quantity_dispensed: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(default="draft")
    status_reason: Mapped[str] = mapped_column(default="")
    status_before: Mapped[str] = mapped_column(default="", server_default="")
    prescriber_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    signed_at: Mapped[dt.datetime | None]
    authored_at: Mapped[dt.datetime | None]
    checks: Mapped[dict | None] = mapped_column(JSONB)
    override_code: Mapped[str] = mapped_column(default="")
    override_reason: Mapped[str] = mapped_column(default="")
    reasons: Mapped[dict] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    external_id: Mapped[str | None] = mapped_column(unique=True)

    encounter: Mapped[Encounter | None] = relationship(back_populates="prescriptions", lazy="raise")
    patient: Mapped[Patient] = relationship(lazy="raise")
    medication: Mapped[Medication | None] = relationship(lazy="raise")
    prescriber: Mapped[User | None] = relationship(lazy="raise")


class RefusedAlert(UnauditedRecord):
    """An alert because of which an order or a signature was refused, as it had no reason: it was shown, whatever became of it.

    It counts once in an encounter. `finding` is the key of its question, `rule` the check and `line` the key of the line of the
    lists of rules, as in `Prescription.checks`. It holds nothing of the patient.
    """

    __tablename__ = "refused_alert"
    __table_args__ = (
        UniqueConstraint("encounter_id", "finding", name="uq_refused_alert_encounter_id_finding"),
        Index("ix_refused_alert_shown_at", "shown_at"),
    )

    encounter_id: Mapped[int] = mapped_column(ForeignKey("encounter.id", ondelete="RESTRICT"))
    finding: Mapped[str]
    rule: Mapped[str]
    line: Mapped[str]
    tier: Mapped[str]
    shown_at: Mapped[dt.datetime]


class Immunization(Record):
    """A vaccine that was given. `given_text` is a time that is not a day ("in the first month of life"); `expires` is in the
    form in which pages show it.
    """

    __tablename__ = "immunization"
    __table_args__ = (Index("ix_immunization_patient", "patient_id", text("given_on DESC")),)

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    encounter_id: Mapped[int | None] = mapped_column(ForeignKey("encounter.id", ondelete="RESTRICT"), index=True)
    vaccine: Mapped[str]
    code: Mapped[str] = mapped_column(default="")
    code_system: Mapped[str] = mapped_column(default="")
    given_on: Mapped[dt.date | None]
    given_text: Mapped[str] = mapped_column(default="", server_default="")
    lot_number: Mapped[str] = mapped_column(default="", server_default="")
    expires: Mapped[str] = mapped_column(default="", server_default="")
    is_subpotent: Mapped[bool | None]
    dose_number: Mapped[str] = mapped_column(default="")
    external_id: Mapped[str | None] = mapped_column(unique=True)


class DiagnosisCode(db.Model):  # type: ignore[name-defined]
    """A code of ICD-10 (WHO, 2019) with local synonyms for the search. Reference data."""

    __tablename__ = "diagnosis_code"
    __table_args__ = (
        Index(
            "ix_diagnosis_code_search",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
        ),
        Index("ix_diagnosis_code_prefix", "code", postgresql_ops={"code": "text_pattern_ops"}),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    chapter: Mapped[str] = mapped_column(default="")
    is_leaf: Mapped[bool] = mapped_column(default=True)
    synonyms: Mapped[str] = mapped_column(default="")
    search_text: Mapped[str]
    use_count: Mapped[int] = mapped_column(default=0)


class NoteTemplate(VersionedRecord):
    """A text that replaces a shortcut (";uri") in a note; of the kind "orders" a set of medicines, one in each line.

    It belongs to a person or a department; with neither it is the hospital's.
    """

    __tablename__ = "note_template"
    __table_args__ = (
        Index(
            "uq_note_template_shortcut",
            "owner_id",
            "department_id",
            "shortcut",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("is_active"),
            info={
                "message": N_("This shortcut is already used. Choose another."),
                "field": "shortcut",
                "code": "taken",
            },
        ),
        CheckConstraint("kind IN ('note', 'orders')", name="kind_known"),
        CheckConstraint("owner_id IS NULL OR department_id IS NULL", name="one_owner"),
        CheckConstraint(
            "btrim(content) <> ''", name="content_given", info={"message": N_("Enter the text."), "field": "content"}
        ),
    )

    kind: Mapped[str] = mapped_column(default="note", server_default="note")
    title: Mapped[str]
    shortcut: Mapped[str]
    content: Mapped[str]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="RESTRICT"), index=True)
    is_active: Mapped[bool] = mapped_column(default=True)
