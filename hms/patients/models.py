"""Patients and their allergies (FHIR Patient, AllergyIntolerance)."""

from __future__ import annotations

from datetime import date, datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hms.core.db.models import ImmutableRecord, Record, UnauditedRecord, VersionedRecord
from hms.core.db.session import db
from hms.core.text.translation import N_
from hms.staff.models import User

from .enums import (
    ALLERGY_TRANSITIONS,
    CONSENT_TRANSITIONS,
    DEATH_TRANSITIONS,
    DOCUMENT_TRANSITIONS,
    MERGE_TRANSITIONS,
    PAIR_TRANSITIONS,
    PATIENT_TRANSITIONS,
)

# Every word of a name is between blanks, so that "begins with" is `LIKE '% kad%'` and uses the index.
NAMES = "hms_fold_name(' ' || given_names || ' ' || family_name || ' ' || preferred_name || ' ' || other_names || ' ')"
SORT_NAME = "hms_fold(family_name || ', ' || given_names)"
DIGITS = "regexp_replace(phone, '[^0-9]', '', 'g') || ' ' || regexp_replace(hospital_number, '[^0-9]', '', 'g')"
WORDS = "string_to_array(left(search_names, 500), ' ')"
IDENTIFIERS = "regexp_replace(upper(national_id || ',' || other_numbers), '[^A-Z0-9,]', '', 'g')"
KIN_DIGITS = "regexp_replace(next_of_kin, '[^0-9]', '', 'g') || ' ' || contact_numbers"

ALLERGY_WORDS = {
    "known": _l("Known allergies"),
    "none_known": _l("No known allergies"),
    "not_asked": _l("Allergies not recorded"),
}
"""The only phrases for an allergy status (NHS Common User Interface, PAB-0064)."""


class Patient(VersionedRecord):
    """A patient. `hospital_number` is issued by the server ("HMS-000482-7") and never changes.

    `other_names` are those of before or after marriage, `other_numbers` those of other papers, with commas between them.
    `deceased_text` is for a death whose day is not known: "2020", "2020-05" or "unknown". `payer` is one of the
    setting `billing.payers`, or blank. `contact_numbers` are the digits of the
    phones of `OtherPhone` and `Relative`, kept by a trigger on those tables.
    """

    __tablename__ = "patient"
    transitions = PATIENT_TRANSITIONS
    __table_args__ = (
        CheckConstraint(
            "btrim(given_names || family_name) <> ''",
            name="named",
            info={"message": N_("Enter at least one name."), "field": "first_name"},
        ),
        CheckConstraint(
            "sex IN ('female', 'male', 'other', 'unknown')",
            name="sex_known",
            info={"message": N_("Choose the sex."), "field": "gender"},
        ),
        CheckConstraint(
            "birth_date BETWEEN DATE '1880-01-01' AND DATE '2200-01-01'",
            name="birth_date_possible",
            info={"message": N_("Check the date of birth."), "field": "date_of_birth"},
        ),
        CheckConstraint("allergy_status IN ('not_asked', 'none_known', 'known')", name="allergy_status_known"),
        CheckConstraint("status IN ('active', 'withdrawn', 'merged')", name="status_known"),
        CheckConstraint("(status = 'merged') = (merged_into_id IS NOT NULL)", name="merged_into_one"),
        Index(
            "ix_patient_names", "search_names", postgresql_using="gin", postgresql_ops={"search_names": "gin_trgm_ops"}
        ),
        Index(
            "ix_patient_digits",
            "search_digits",
            postgresql_using="gin",
            postgresql_ops={"search_digits": "gin_trgm_ops"},
        ),
        Index("ix_patient_words", text(WORDS), postgresql_using="gin"),
        Index(
            "ix_patient_identifiers",
            text(f"({IDENTIFIERS}) gin_trgm_ops"),
            postgresql_using="gin",
            postgresql_where=text("(national_id || other_numbers) <> ''"),
        ),
        Index(
            "ix_patient_next_of_kin",
            text(f"({KIN_DIGITS}) gin_trgm_ops"),
            postgresql_using="gin",
            postgresql_where=text("(next_of_kin || contact_numbers) <> ''"),
        ),
        Index("ix_patient_area", "area_id", postgresql_where=text("area_id IS NOT NULL")),
        Index("ix_patient_birth_date", "birth_date", "id"),
        Index("ix_patient_created_at", "created_at", "id"),
        Index("ix_patient_given_names", "given_names", "id"),
        Index("ix_patient_sort_name", "sort_name", "id"),
        Index("ix_patient_active", "id", postgresql_where=text("status = 'active'")),
        Index("ix_patient_restricted", "id", postgresql_where=text("is_restricted")),
        Index("ix_patient_merged_into", "merged_into_id", postgresql_where=text("status = 'merged'")),
        Index("ix_patient_withdrawn", "sort_name", "id", postgresql_where=text("status = 'withdrawn'")),
    )

    hospital_number: Mapped[str] = mapped_column(unique=True)
    number: Mapped[int] = mapped_column(unique=True)
    title: Mapped[str] = mapped_column(default="")
    given_names: Mapped[str] = mapped_column(default="")
    family_name: Mapped[str] = mapped_column(default="")
    preferred_name: Mapped[str] = mapped_column(default="", server_default="")
    other_names: Mapped[str] = mapped_column(default="", server_default="")
    sex: Mapped[str] = mapped_column(default="unknown")
    birth_date: Mapped[date | None]
    birth_is_estimated: Mapped[bool] = mapped_column(default=False)
    phone: Mapped[str] = mapped_column(default="")
    phone_is_checked: Mapped[bool] = mapped_column(default=False)
    email: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    area_id: Mapped[int | None] = mapped_column(ForeignKey("address_area.id", ondelete="RESTRICT"))
    next_of_kin: Mapped[str] = mapped_column(default="")
    national_id: Mapped[str] = mapped_column(default="")
    other_numbers: Mapped[str] = mapped_column(default="", server_default="")
    payer: Mapped[str] = mapped_column(default="", server_default="")
    payer_number: Mapped[str] = mapped_column(default="", server_default="")
    occupation: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="")
    allergy_status: Mapped[str] = mapped_column(default="not_asked")
    allergy_status_at: Mapped[datetime | None]
    allergy_status_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    deceased_on: Mapped[date | None]
    deceased_text: Mapped[str] = mapped_column(default="", server_default="")
    status: Mapped[str] = mapped_column(default="active")
    is_restricted: Mapped[bool] = mapped_column(default=False)
    restriction_reason: Mapped[str] = mapped_column(default="", server_default="")
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    withdrawn_reason: Mapped[str] = mapped_column(default="")
    external_id: Mapped[str | None] = mapped_column(unique=True)
    contact_numbers: Mapped[str] = mapped_column(default="", server_default="")
    search_names: Mapped[str] = mapped_column(Computed(NAMES, persisted=True))
    search_digits: Mapped[str] = mapped_column(Computed(DIGITS, persisted=True))
    sort_name: Mapped[str] = mapped_column(Computed(SORT_NAME, persisted=True))

    allergies: Mapped[list[Allergy]] = relationship(back_populates="patient", order_by="Allergy.id", lazy="raise")

    @property
    def given_name(self) -> str:
        return self.given_names

    @property
    def date_of_birth(self) -> date | None:
        return self.birth_date

    @property
    def allergy_words(self) -> str:
        return ALLERGY_WORDS[self.allergy_status]

    @property
    def has_died(self) -> bool:
        """Whether a death is recorded, also one without a day."""
        return self.deceased_on is not None or self.deceased_text != ""


class AddressArea(UnauditedRecord):
    """An area of the country's hierarchy of addresses. `path` has the names of those above it too; `level` counts from the
    largest areas. One that is not in the newest file is not listed, and stays for the patients who have it."""

    __tablename__ = "address_area"
    __table_args__ = (
        CheckConstraint("btrim(path) <> ''", name="path_given"),
        Index("uq_address_area_path", "path", unique=True),
        Index("ix_address_area_parent", "parent_id"),
        Index(
            "ix_address_area_search",
            "search_path",
            postgresql_using="gin",
            postgresql_ops={"search_path": "gin_trgm_ops"},
            postgresql_where=text("is_listed"),
        ),
    )

    parent_id: Mapped[int | None] = mapped_column(ForeignKey("address_area.id", ondelete="RESTRICT"))
    level: Mapped[int]
    level_name: Mapped[str]
    path: Mapped[str]
    is_listed: Mapped[bool] = mapped_column(default=True)
    search_path: Mapped[str] = mapped_column(Computed("hms_fold(path)", persisted=True))


class NameWord(db.Model):  # type: ignore[name-defined]
    """A word of the names of patients, as in `search_names`; kept by a trigger on `patient`. It stays when the name changes.

    A word that two registrations wrote for the first time at one moment stands here twice."""

    __tablename__ = "name_word"
    __table_args__ = (
        Index("ix_name_word_begin", "word"),
        Index("ix_name_word_keys", text("hms_name_keys(word)"), postgresql_using="gin"),
        Index("ix_name_word_word", text("word gin_trgm_ops"), postgresql_using="gin"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(Text(collation="C"))


class Allergy(Record):
    """One substance a patient reacts to (FHIR AllergyIntolerance). `severity` is mild, moderate, severe or unknown."""

    __tablename__ = "allergy"
    transitions = ALLERGY_TRANSITIONS
    __table_args__ = (
        CheckConstraint(
            "btrim(substance) <> ''",
            name="substance_given",
            info={"message": N_("Enter the substance."), "field": "substance"},
        ),
        CheckConstraint(
            "severity IN ('mild', 'moderate', 'severe', 'unknown')",
            name="severity_known",
            info={"message": N_("Choose the severity."), "field": "severity"},
        ),
        CheckConstraint("status IN ('active', 'inactive', 'entered_in_error')", name="status_known"),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"), index=True)
    substance: Mapped[str]
    code: Mapped[str] = mapped_column(default="")
    code_system: Mapped[str] = mapped_column(default="")
    class_code: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="medication")
    reaction: Mapped[str] = mapped_column(default="")
    severity: Mapped[str] = mapped_column(default="unknown")
    status: Mapped[str] = mapped_column(default="active")
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    recorded_on: Mapped[date | None]
    external_id: Mapped[str | None] = mapped_column(unique=True)

    patient: Mapped[Patient] = relationship(back_populates="allergies", lazy="raise")


class Death(VersionedRecord):
    """The death of a patient, as it was recorded here. `died_text` is "unknown" when the day is not known; the cause is
    clinical text. `reason`: why it was corrected last, or taken back.

    `Patient.deceased_on` and `deceased_text` say whether the patient has died; the row that says the same has the details.
    """

    __tablename__ = "death"
    transitions = DEATH_TRANSITIONS
    __table_args__ = (
        CheckConstraint("(died_on IS NULL) = (died_text <> '')", name="dated_or_not_known"),
        CheckConstraint("status IN ('recorded', 'taken_back')", name="status_known"),
        CheckConstraint(
            "status <> 'taken_back' OR btrim(reason) <> ''",
            name="taken_back_with_reason",
            info={"message": N_("Enter the reason."), "field": "reason"},
        ),
        Index("ix_death_patient", "patient_id", "id"),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    died_on: Mapped[date | None]
    died_text: Mapped[str] = mapped_column(default="", server_default="")
    place: Mapped[str] = mapped_column(default="", server_default="")
    cause: Mapped[str] = mapped_column(default="", server_default="")
    status: Mapped[str] = mapped_column(default="recorded")
    reason: Mapped[str] = mapped_column(default="", server_default="")
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))


class OtherPhone(VersionedRecord):
    """A further phone by which the patient is reached; `Patient.phone` is the first own one. `owner`: whose it is."""

    __tablename__ = "other_phone"
    __table_args__ = (
        CheckConstraint(
            "btrim(number) <> ''", name="number_given", info={"message": N_("Enter the phone."), "field": "number"}
        ),
        CheckConstraint(
            "owner IN ('own', 'relative', 'neighbour', 'work', 'other')",
            name="owner_known",
            info={"message": N_("Choose whose phone it is."), "field": "owner"},
        ),
        Index("ix_other_phone_patient", "patient_id", "id"),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    number: Mapped[str]
    is_checked: Mapped[bool]
    owner: Mapped[str] = mapped_column(default="own")
    label: Mapped[str] = mapped_column(default="", server_default="")


class Relative(VersionedRecord):
    """One of the next of kin (FHIR Patient.contact). `record_id` is the relative's own record, where there is one."""

    __tablename__ = "relative"
    __table_args__ = (
        CheckConstraint(
            "btrim(name) <> ''", name="name_given", info={"message": N_("Enter the name."), "field": "name"}
        ),
        CheckConstraint(
            "relation IN ('mother', 'father', 'spouse', 'child', 'sibling', 'grandparent', 'guardian', 'relative', "
            "'friend', 'other')",
            name="relation_known",
            info={"message": N_("Choose the relation."), "field": "relation"},
        ),
        Index("ix_relative_patient", "patient_id", "id"),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    name: Mapped[str]
    relation: Mapped[str]
    phone: Mapped[str] = mapped_column(default="", server_default="")
    phone_is_checked: Mapped[bool] = mapped_column(default=False)
    record_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))


class ConsentKind(VersionedRecord):
    """What patients are asked to consent to, for example "Treatment". A closed one is not offered any more."""

    __tablename__ = "consent_kind"
    __table_args__ = (
        CheckConstraint(
            "btrim(name) <> ''", name="name_given", info={"message": N_("Enter the name."), "field": "name"}
        ),
        Index(
            "uq_consent_kind_name",
            text("lower(name)"),
            unique=True,
            info={"message": N_("There is a consent with this name already."), "field": "name", "code": "same_name"},
        ),
    )

    name: Mapped[str]
    is_open: Mapped[bool] = mapped_column(default=True)


class ConsentText(ImmutableRecord):
    """A version of the text of a consent in one language. It never changes: a correction is the next `number`."""

    __tablename__ = "consent_text"
    __table_args__ = (
        CheckConstraint(
            "btrim(title) <> '' AND btrim(body) <> ''",
            name="written",
            info={"message": N_("Enter a title and a text."), "field": "body"},
        ),
        Index("uq_consent_text_number", "kind_id", "language", "number", unique=True),
    )

    kind_id: Mapped[int] = mapped_column(ForeignKey("consent_kind.id", ondelete="RESTRICT"))
    language: Mapped[str]
    number: Mapped[int]
    title: Mapped[str]
    body: Mapped[str]
    written_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))

    kind: Mapped[ConsentKind] = relationship(lazy="raise")


class Consent(VersionedRecord):
    """What a patient, or a guardian, decided about a text (FHIR Consent). `ended_on`, `reason` and `ended_by_id`: of a
    withdrawal, or of a row that was entered in error."""

    __tablename__ = "consent"
    transitions = CONSENT_TRANSITIONS
    __table_args__ = (
        CheckConstraint("status IN ('given', 'refused', 'withdrawn', 'entered_in_error')", name="status_known"),
        CheckConstraint(
            "decided_by IN ('patient', 'guardian')",
            name="decided_by_known",
            info={"message": N_("Choose who decided."), "field": "decided_by"},
        ),
        CheckConstraint(
            "(decided_by = 'guardian') = (guardian_name <> '' AND guardian_relation <> '')",
            name="guardian_named",
            info={"message": N_("Enter the name and the relation of the guardian."), "field": "guardian_name"},
        ),
        CheckConstraint(
            "status IN ('given', 'refused') OR btrim(reason) <> ''",
            name="ended_with_reason",
            info={"message": N_("Enter the reason."), "field": "reason"},
        ),
        Index("ix_consent_patient", "patient_id", "id"),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    text_id: Mapped[int] = mapped_column(ForeignKey("consent_text.id", ondelete="RESTRICT"))
    status: Mapped[str]
    decided_on: Mapped[date]
    decided_by: Mapped[str] = mapped_column(default="patient")
    guardian_name: Mapped[str] = mapped_column(default="", server_default="")
    guardian_relation: Mapped[str] = mapped_column(default="", server_default="")
    ended_on: Mapped[date | None]
    reason: Mapped[str] = mapped_column(default="", server_default="")
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))

    text: Mapped[ConsentText] = relationship(lazy="raise")


class ConsentForm(UnauditedRecord):
    """A form with a text of consent and the patient's name, to be signed; `content` is the PDF, None until a worker made it."""

    __tablename__ = "consent_form"
    __table_args__ = (Index("ix_consent_form_patient", "patient_id", "id"),)

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    text_id: Mapped[int] = mapped_column(ForeignKey("consent_text.id", ondelete="RESTRICT"))
    asked_at: Mapped[datetime]
    content: Mapped[bytes | None] = mapped_column(LargeBinary)


class RecordDocument(Record):
    """A document or photo of a patient. Only its status changes; `digest` is the SHA-256 of the content, `scan` what the virus
    scanner said."""

    __tablename__ = "record_document"
    transitions = DOCUMENT_TRANSITIONS
    secret_columns = ("content",)
    __table_args__ = (
        CheckConstraint(
            "category IN ('identity', 'insurance', 'consent', 'referral', 'result', 'picture', 'letter', 'certificate', "
            "'photo', 'other')",
            name="category_known",
            info={"message": N_("Choose the category."), "field": "category"},
        ),
        CheckConstraint("mimetype IN ('application/pdf', 'image/jpeg', 'image/png')", name="mimetype_known"),
        CheckConstraint("scan IN ('clean', 'not_scanned')", name="scan_known"),
        CheckConstraint("status IN ('kept', 'entered_in_error')", name="status_known"),
        CheckConstraint(
            "status = 'kept' OR btrim(reason) <> ''",
            name="ended_with_reason",
            info={"message": N_("Enter the reason."), "field": "reason"},
        ),
        Index("ix_record_document_patient", "patient_id", "id"),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    category: Mapped[str]
    title: Mapped[str] = mapped_column(default="", server_default="")
    dated_on: Mapped[date | None]
    mimetype: Mapped[str]
    size: Mapped[int]
    digest: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    scan: Mapped[str]
    status: Mapped[str] = mapped_column(default="kept")
    reason: Mapped[str] = mapped_column(default="", server_default="")
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))


class BreakGlass(Record):
    """One emergency access to a restricted record: user, patient, reason, end, and the review.

    `finding` is "justified" or "unjustified", None until another person has reviewed it.
    """

    __tablename__ = "break_glass"
    __table_args__ = (
        CheckConstraint(
            "length(btrim(reason)) >= 10",
            name="reason_given",
            info={"message": N_("Enter a reason of at least ten characters."), "field": "reason"},
        ),
        CheckConstraint("expires_at > opened_at", name="ends_after_begin"),
        CheckConstraint("finding IN ('justified', 'unjustified')", name="finding_known"),
        CheckConstraint(
            "(reviewed_at IS NULL) = (finding IS NULL) AND (reviewed_at IS NULL) = (reviewed_by_id IS NULL)",
            name="reviewed_whole",
        ),
        CheckConstraint(
            "reviewed_by_id <> user_id",
            name="reviewed_by_another",
            info={"message": N_("You cannot review your own access. Ask another reviewer."), "field": "finding"},
        ),
        Index("ix_break_glass_open", "user_id", "patient_id", "expires_at"),
        Index("ix_break_glass_to_review", "id", postgresql_where=text("reviewed_at IS NULL")),
        Index("ix_break_glass_patient", "patient_id", "id"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    role: Mapped[str] = mapped_column(default="")
    reason: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    reviewed_at: Mapped[datetime | None]
    finding: Mapped[str | None]
    review_note: Mapped[str] = mapped_column(default="", server_default="")

    user: Mapped[User] = relationship(foreign_keys=user_id, lazy="raise")
    reviewed_by: Mapped[User | None] = relationship(foreign_keys=reviewed_by_id, lazy="raise")
    patient: Mapped[Patient] = relationship(lazy="raise")


class PatientMerge(Record):
    """A request to merge the record `merged_id` into `kept_id`, or to separate the two again (`undoes_id` is that merge).
    A second person approves or declines it; the request does not change, and the decision is final (FHIR: the merged
    Patient has a link "replaced-by").

    `choices` of a merge: by field, "kept" or "merged", whose value stays. `choices` of a separation: {"rows": [[table, id]]},
    the later rows that go to the merged record. `confirmed`: the differences that the requester saw and confirmed. `before`
    is written by the approval of a merge: the columns of both records before, and those that it set.
    """

    __tablename__ = "patient_merge"
    transitions = MERGE_TRANSITIONS
    __table_args__ = (
        CheckConstraint("kind IN ('merge', 'separation')", name="kind_known"),
        CheckConstraint("(kind = 'separation') = (undoes_id IS NOT NULL)", name="undoes_a_merge"),
        CheckConstraint(
            "kept_id <> merged_id",
            name="two_records",
            info={"message": N_("Choose two different records."), "field": "merged"},
        ),
        CheckConstraint(
            "btrim(reason) <> ''", name="reason_given", info={"message": N_("Enter the reason."), "field": "reason"}
        ),
        CheckConstraint("status IN ('waiting', 'approved', 'declined', 'withdrawn')", name="status_known"),
        CheckConstraint(
            "(status = 'waiting') = (decided_at IS NULL) AND (status = 'waiting') = (decided_by_id IS NULL)",
            name="decided_by_somebody",
        ),
        CheckConstraint(
            "status NOT IN ('approved', 'declined') OR decided_by_id <> requested_by_id",
            name="decided_by_another",
            info={"message": N_("You made this request, so someone else must decide it.")},
        ),
        Index(
            "uq_patient_merge_waiting",
            text("least(kept_id, merged_id)"),
            text("greatest(kept_id, merged_id)"),
            unique=True,
            postgresql_where=text("status = 'waiting'"),
            info={
                "message": N_("A request for these two records waits for approval already."),
                "code": "asked_already",
            },
        ),
        Index(
            "uq_patient_merge_undone",
            "undoes_id",
            unique=True,
            postgresql_where=text("status = 'approved'"),
            info={"message": N_("These two records are separated already."), "code": "separated"},
        ),
        Index("ix_patient_merge_kept", "kept_id", "id"),
        Index("ix_patient_merge_merged", "merged_id", "id"),
    )

    kind: Mapped[str]
    kept_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    merged_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("patient_merge.id", ondelete="RESTRICT"))
    reason: Mapped[str]
    choices: Mapped[dict] = mapped_column(JSONB, default=dict, server_default="{}")
    confirmed: Mapped[list] = mapped_column(JSONB, default=list, server_default="[]")
    before: Mapped[dict | None] = mapped_column(JSONB)
    status: Mapped[str] = mapped_column(default="waiting")
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str] = mapped_column(default="", server_default="")


class PatientMergeRow(UnauditedRecord):
    """A row of another table that belonged to one of two merged records. `is_moved`: it belonged to the merged one, or a
    separation gave it to that one; otherwise it belonged to the kept one. Never changed."""

    __tablename__ = "patient_merge_row"
    __table_args__ = (
        CheckConstraint("table_name NOT LIKE 'audit%' AND table_name NOT LIKE 'patient%'", name="table_of_desk"),
        Index("uq_patient_merge_row", "merge_id", "table_name", "row_id", "column_name", unique=True),
    )

    merge_id: Mapped[int] = mapped_column(ForeignKey("patient_merge.id", ondelete="RESTRICT"))
    table_name: Mapped[str]
    column_name: Mapped[str]
    row_id: Mapped[int]
    is_moved: Mapped[bool]


class DuplicatePair(Record):
    """Two records that may be one patient, with how likely that is when they were last compared. `status` "dismissed": a
    person said that they are two people (`reason`); the pair stays so until somebody opens it again."""

    __tablename__ = "duplicate_pair"
    transitions = PAIR_TRANSITIONS
    __table_args__ = (
        CheckConstraint("first_id < second_id", name="in_order"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent_possible"),
        CheckConstraint("status IN ('open', 'dismissed')", name="status_known"),
        CheckConstraint(
            "status <> 'dismissed' OR btrim(reason) <> ''",
            name="dismissed_with_reason",
            info={"message": N_("Enter the reason."), "field": "reason"},
        ),
        Index("uq_duplicate_pair", "first_id", "second_id", unique=True),
        Index("ix_duplicate_pair_second", "second_id"),
        Index("ix_duplicate_pair_list", "status", "percent", "id"),
    )

    first_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    second_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    percent: Mapped[int]
    status: Mapped[str] = mapped_column(default="open")
    reason: Mapped[str] = mapped_column(default="", server_default="")
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    decided_at: Mapped[datetime | None]


class PatientToCompare(UnauditedRecord):
    """A record that is new or changed, and that the clock compares with the others."""

    __tablename__ = "patient_to_compare"
    __table_args__ = (Index("uq_patient_to_compare", "patient_id", unique=True),)

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
