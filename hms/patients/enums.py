"""The states of a patient's record and of what is recorded in it."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l


class PatientStatus(StrEnum):
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


PATIENT_TRANSITIONS = {
    PatientStatus.ACTIVE: frozenset({PatientStatus.WITHDRAWN, PatientStatus.MERGED}),
    PatientStatus.WITHDRAWN: frozenset({PatientStatus.ACTIVE}),
    PatientStatus.MERGED: frozenset({PatientStatus.ACTIVE}),
}
"""The states that may follow each one. A withdrawal can be undone, and merged records can be separated again."""


class AllergyStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    ENTERED_IN_ERROR = "entered_in_error"


ALLERGY_TRANSITIONS = {
    AllergyStatus.ACTIVE: frozenset({AllergyStatus.INACTIVE, AllergyStatus.ENTERED_IN_ERROR}),
    AllergyStatus.INACTIVE: frozenset({AllergyStatus.ACTIVE, AllergyStatus.ENTERED_IN_ERROR}),
    AllergyStatus.ENTERED_IN_ERROR: frozenset[AllergyStatus](),
}
"""The states that may follow each one. An allergy entered in error stays so; record it again instead."""


class PairStatus(StrEnum):
    OPEN = "open"
    DISMISSED = "dismissed"


PAIR_TRANSITIONS = {
    PairStatus.OPEN: frozenset({PairStatus.DISMISSED}),
    PairStatus.DISMISSED: frozenset({PairStatus.OPEN}),
}
"""A pair that was said to be two people can be opened again."""


class MergeKind(StrEnum):
    MERGE = "merge"
    SEPARATION = "separation"


class MergeStatus(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


MERGE_TRANSITIONS = {
    MergeStatus.WAITING: frozenset({MergeStatus.APPROVED, MergeStatus.DECLINED, MergeStatus.WITHDRAWN}),
    MergeStatus.APPROVED: frozenset[MergeStatus](),
    MergeStatus.DECLINED: frozenset[MergeStatus](),
    MergeStatus.WITHDRAWN: frozenset[MergeStatus](),
}
"""The states that may follow each one. A decision is final; a merge is undone by another request."""


class DeathStatus(StrEnum):
    RECORDED = "recorded"
    TAKEN_BACK = "taken_back"


DEATH_TRANSITIONS = {
    DeathStatus.RECORDED: frozenset({DeathStatus.TAKEN_BACK}),
    DeathStatus.TAKEN_BACK: frozenset[DeathStatus](),
}
"""A death that was taken back stays so; record it again instead."""


class PhoneOwner(StrEnum):
    OWN = "own"
    RELATIVE = "relative"
    NEIGHBOUR = "neighbour"
    WORK = "work"
    OTHER = "other"


PHONE_OWNER_LABELS = {
    PhoneOwner.OWN: _l("The patient's own"),
    PhoneOwner.RELATIVE: _l("A relative's"),
    PhoneOwner.NEIGHBOUR: _l("A neighbour's"),
    PhoneOwner.WORK: _l("At work"),
    PhoneOwner.OTHER: _l("Another person's"),
}


class Relation(StrEnum):
    """What a relative is to the patient."""

    MOTHER = "mother"
    FATHER = "father"
    SPOUSE = "spouse"
    CHILD = "child"
    SIBLING = "sibling"
    GRANDPARENT = "grandparent"
    GUARDIAN = "guardian"
    RELATIVE = "relative"
    FRIEND = "friend"
    OTHER = "other"


RELATION_LABELS = {
    Relation.MOTHER: _l("Mother"),
    Relation.FATHER: _l("Father"),
    Relation.SPOUSE: _l("Husband or wife"),
    Relation.CHILD: _l("Son or daughter"),
    Relation.SIBLING: _l("Brother or sister"),
    Relation.GRANDPARENT: _l("Grandparent"),
    Relation.GUARDIAN: _l("Guardian"),
    Relation.RELATIVE: _l("Other relative"),
    Relation.FRIEND: _l("Friend or neighbour"),
    Relation.OTHER: _l("Other"),
}


class ConsentStatus(StrEnum):
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    ENTERED_IN_ERROR = "entered_in_error"


CONSENT_STATUS_LABELS = {
    ConsentStatus.GIVEN: _l("Given"),
    ConsentStatus.REFUSED: _l("Refused"),
    ConsentStatus.WITHDRAWN: _l("Withdrawn"),
    ConsentStatus.ENTERED_IN_ERROR: _l("Entered in error"),
}
CONSENT_TRANSITIONS = {
    ConsentStatus.GIVEN: frozenset({ConsentStatus.WITHDRAWN, ConsentStatus.ENTERED_IN_ERROR}),
    ConsentStatus.REFUSED: frozenset({ConsentStatus.ENTERED_IN_ERROR}),
    ConsentStatus.WITHDRAWN: frozenset({ConsentStatus.ENTERED_IN_ERROR}),
    ConsentStatus.ENTERED_IN_ERROR: frozenset[ConsentStatus](),
}
"""Another decision is another row: the newest one that is no error counts."""


class DecidedBy(StrEnum):
    PATIENT = "patient"
    GUARDIAN = "guardian"


DECIDED_BY_LABELS = {DecidedBy.PATIENT: _l("The patient"), DecidedBy.GUARDIAN: _l("A guardian")}


class DocumentCategory(StrEnum):
    IDENTITY = "identity"
    INSURANCE = "insurance"
    CONSENT = "consent"
    REFERRAL = "referral"
    RESULT = "result"
    PICTURE = "picture"
    LETTER = "letter"
    CERTIFICATE = "certificate"
    PHOTO = "photo"
    OTHER = "other"


DOCUMENT_CATEGORY_LABELS = {
    DocumentCategory.IDENTITY: _l("Identity document"),
    DocumentCategory.INSURANCE: _l("Insurance document"),
    DocumentCategory.CONSENT: _l("Signed consent"),
    DocumentCategory.REFERRAL: _l("Referral (clinical)"),
    DocumentCategory.RESULT: _l("Result (clinical)"),
    DocumentCategory.PICTURE: _l("Picture of the body (clinical)"),
    DocumentCategory.LETTER: _l("Letter (clinical)"),
    DocumentCategory.CERTIFICATE: _l("Certificate (clinical)"),
    DocumentCategory.PHOTO: _l("Photo"),
    DocumentCategory.OTHER: _l("Other (clinical)"),
}
ADMINISTRATIVE_CATEGORIES = frozenset({DocumentCategory.IDENTITY, DocumentCategory.INSURANCE, DocumentCategory.CONSENT})
"""Documents without clinical content, which the front desk reads too."""


class DocumentStatus(StrEnum):
    KEPT = "kept"
    ENTERED_IN_ERROR = "entered_in_error"


DOCUMENT_TRANSITIONS = {
    DocumentStatus.KEPT: frozenset({DocumentStatus.ENTERED_IN_ERROR}),
    DocumentStatus.ENTERED_IN_ERROR: frozenset[DocumentStatus](),
}
"""A document that was entered in error stays so, and stays stored."""
