"""Issue a document after a visit, and say that one was entered in error."""

from __future__ import annotations

from sqlalchemy import exists, select

from hms.clinical.encounters import queries as encounters
from hms.clinical.enums import EntryStatus, IssuedKind, PrescriptionStatus
from hms.clinical.models import IssuedDocument, Prescription
from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict, NotAllowed, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.core.web.localisation import offered_languages

from . import queries, rules

_LEFT_OUT = (PrescriptionStatus.STOPPED, PrescriptionStatus.ENTERED_IN_ERROR, PrescriptionStatus.DRAFT)


@action(Permission.WRITE_ENCOUNTER, "clinical.issue_document")
def issue_document(
    encounter_id: int,
    *,
    kind: str,
    language: str = "",
    addressee: str = "",
    body: str = "",
    from_on: str = "",
    until_on: str = "",
    shows_diagnosis: bool = False,
    by: Person,
) -> IssuedDocument:
    """Issue a document of a signed encounter. `language` is one of those offered, English when it is left out.

    Raises `Conflict` when the encounter is not signed or a prescription would have no medicine, `RuleBroken` on the field
    that is wrong.
    """
    encounter = encounters.get_encounter_for_update(encounter_id, by)
    kind_of = rules.check_kind(kind)
    rules.check_signed(encounter.status)
    words = rules.check_words(
        kind_of,
        addressee=addressee,
        body=body,
        from_on=from_on,
        until_on=until_on,
        shows_diagnosis=shows_diagnosis,
        today=clock.today(),
    )
    if language and language not in offered_languages():
        raise RuleBroken(N_("Choose a language from the list."), "language")
    if kind_of == IssuedKind.PRESCRIPTION and not _has_medicines(encounter_id):
        raise Conflict(N_("This visit has no medicine to print."), code="no_medicine")
    document = IssuedDocument(
        encounter_id=encounter_id,
        kind=kind_of,
        code=rules.make_code(),
        language=language or "en",
        addressee=words.addressee,
        body=words.body,
        from_on=words.from_on,
        until_on=words.until_on,
        shows_diagnosis=words.shows_diagnosis,
        issued_by_id=by.id,
    )
    db.session.add(document)
    db.session.flush()
    return document


def _has_medicines(encounter_id: int) -> bool:
    printed = Prescription.status.not_in(_LEFT_OUT)
    return bool(db.session.scalar(select(exists().where(Prescription.encounter_id == encounter_id, printed))))


@action(Permission.WRITE_ENCOUNTER, "clinical.withdraw_document")
def withdraw_document(document_id: int, *, by: Person) -> IssuedDocument:
    """Say that a document was entered in error; whoever asks for its code is told so. One's own, or with the permission to
    withdraw clinical records. Raises `Conflict` when it is withdrawn already."""
    document = queries.get_document(document_id, by)
    if document.issued_by_id != by.id and not by.may(Permission.WITHDRAW_CLINICAL):
        raise NotAllowed(N_("Only who issued a document can withdraw it."))
    document = get_for_update(IssuedDocument, document_id)
    if document.status == EntryStatus.ENTERED_IN_ERROR:
        raise Conflict(N_("This document was withdrawn already."), code="withdrawn")
    set_status(document, EntryStatus.ENTERED_IN_ERROR)
    db.session.flush()
    return document
