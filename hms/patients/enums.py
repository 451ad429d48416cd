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
