"""The lists of this desk as files, and the columns with which other desks say whose a row is."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from hms.core.db.session import db
from hms.core.exports.columns import Column, ExportTable, day, find_by_id, instant
from hms.core.text.formatting import person_name
from hms.core.text.translation import N_
from hms.messages.enums import CHANNEL_LABELS
from hms.messages.enums import STATUS_LABELS as MESSAGE_STATUS_LABELS
from hms.messages.kinds import all_kinds
from hms.staff.directory import display_names

from .enums import MergeKind, MergeStatus, PairStatus
from .identity.names import SEXES, gender_code
from .models import AddressArea, ConsentKind, Patient

hospital_numbers = find_by_id(Patient.id, Patient.hospital_number)


def patient_names(patient_ids: set[int]) -> dict[int, str]:
    """The names by the ids of patients, as lists show them."""
    query = select(Patient.id, Patient.family_name, Patient.given_names).where(Patient.id.in_(patient_ids))
    return {row.id: person_name(row.family_name, row.given_names) for row in db.session.execute(query)}


def patient_columns(field: str = "patient") -> tuple[Column, Column]:
    """The columns with the number and the name of the patient whose id is in `field`."""
    return (
        Column(field, N_("Hospital number"), names=hospital_numbers),
        Column(field, N_("Patient"), names=patient_names),
    )


_ALLERGIES = {"": N_("Allergies not recorded"), "None": N_("No known allergies")}

PATIENTS = ExportTable(
    "patients",
    N_("Patients"),
    (
        Column("unique_id", N_("Hospital number")),
        Column("last_name", N_("Family name")),
        Column("first_name", N_("Given names")),
        Column("other_names", N_("Other names")),
        day("date_of_birth", N_("Date of birth")),
        Column("date_of_birth_is_estimated", N_("Date of birth is approximate")),
        Column("gender", N_("Sex"), words={gender_code(sex): word for sex, word in SEXES.items()}),
        Column("contact_info", N_("Phone")),
        Column("address", N_("Address")),
        Column("area", N_("Area"), names=find_by_id(AddressArea.id, AddressArea.path)),
        Column("known_allergies", N_("Allergies"), words=_ALLERGIES),
        Column("national_id", N_("National ID")),
        Column("other_numbers", N_("Other numbers")),
        Column("payer", N_("Payer")),
        Column("payer_number", N_("Number with the payer")),
        Column("deceased", N_("Deceased")),
        day("deceased_on", N_("Date of death")),
        instant("created_at", N_("Registered")),
        instant("updated_at", N_("Last changed")),
    ),
)

ORIGINAL_FIELDS = (
    *("unique_id", "first_name", "last_name", "date_of_birth", "gender", "contact_info", "address", "known_allergies"),
)
ORIGINAL = ExportTable(
    "patients",
    PATIENTS.title,
    tuple(Column(name, name) for name in ORIGINAL_FIELDS),
    has_field_names=True,
)
"""The columns of `GET /api/patients/export_csv/`, which programs of the first version read."""


def message_kinds(names: set[str]) -> dict[str, str]:
    """The labels of kinds of messages by name."""
    kinds = all_kinds()
    return {name: str(kinds[name].label) if name in kinds else name for name in names}


DUPLICATES = ExportTable(
    "duplicates",
    N_("Possible duplicates"),
    (
        Column("first_unique_id", N_("First record")),
        Column("first", N_("Name in the first record"), names=patient_names),
        Column("second_unique_id", N_("Second record")),
        Column("second", N_("Name in the second record"), names=patient_names),
        Column("percent", N_("Match in percent")),
        Column("reasons", N_("Reasons of the match")),
        Column(
            "status",
            N_("Status"),
            words={PairStatus.OPEN: N_("To check"), PairStatus.DISMISSED: N_("Not the same person")},
        ),
        Column("reason", N_("Reason of the decision")),
        Column("decided_by", N_("Decided by"), names=display_names),
        instant("decided_at", N_("Decided")),
    ),
)
MERGES = ExportTable(
    "merges",
    N_("Merged records"),
    (
        Column("kind", N_("Kind"), words={MergeKind.MERGE: N_("Merge"), MergeKind.SEPARATION: N_("Separation")}),
        Column(
            "status",
            N_("Status"),
            words={
                MergeStatus.WAITING: N_("Waiting for approval"),
                MergeStatus.APPROVED: N_("Approved"),
                MergeStatus.DECLINED: N_("Declined"),
                MergeStatus.WITHDRAWN: N_("Withdrawn"),
            },
        ),
        Column("kept", N_("Kept record"), names=hospital_numbers),
        Column("merged", N_("Other record"), names=hospital_numbers),
        Column("reason", N_("Reason")),
        Column("requested_by", N_("Requested by"), names=display_names),
        instant("created_at", N_("Requested")),
        Column("decided_by", N_("Decided by"), names=display_names),
        instant("decided_at", N_("Decided")),
        Column("note", N_("Note")),
    ),
)
MESSAGES = ExportTable(
    "messages",
    N_("Messages"),
    (
        instant("due_at", N_("Due")),
        *patient_columns(),
        Column("user", N_("To the staff"), names=display_names),
        Column("address", N_("Address")),
        Column("kind", N_("Message"), names=message_kinds),
        Column("channel", N_("Channel"), words=CHANNEL_LABELS),
        Column("language", N_("Language")),
        Column("status", N_("Status"), words=MESSAGE_STATUS_LABELS),
        Column("attempts", N_("Attempts")),
        Column("gateway_words", N_("Answer of the gateway")),
        Column("subject", N_("Subject")),
        Column("body", N_("Text")),
        instant("created_at", N_("Created")),
        instant("sent_at", N_("Sent")),
        instant("delivered_at", N_("Delivered")),
    ),
)
SENT_MESSAGES = replace(MESSAGES, name="sent-messages")
"""The list of the page, which has filters of its own."""
CONSENT_KINDS = ExportTable(
    "consent-kinds",
    N_("Kinds of consent"),
    (
        Column("name", N_("Name")),
        Column("is_open", N_("Offered")),
        instant("created_at", N_("Added")),
    ),
)
CONSENT_TEXTS = ExportTable(
    "consent-texts",
    N_("Texts of consents"),
    (
        Column("kind", N_("Kind"), names=find_by_id(ConsentKind.id, ConsentKind.name)),
        Column("language", N_("Language")),
        Column("number", N_("Version")),
        Column("title", N_("Title")),
        Column("body", N_("Text")),
        Column("written_by", N_("Written by"), names=display_names),
        instant("created_at", N_("Added")),
    ),
)
AREAS = ExportTable(
    "address-areas",
    N_("Areas of addresses"),
    (
        Column("level", N_("Level")),
        Column("level_name", N_("Name of the level")),
        Column("path", N_("Area")),
        Column("is_listed", N_("Listed")),
    ),
)
