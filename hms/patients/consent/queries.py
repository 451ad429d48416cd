"""Texts of consent, and what a patient decided."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.text.translation import N_
from hms.patients.enums import ConsentStatus
from hms.patients.models import Consent, ConsentForm, ConsentKind, ConsentText


@dataclass(frozen=True)
class KindState:
    """A kind of consent with its present texts, and the decision that counts now; None: the patient was never asked."""

    kind: ConsentKind
    texts: list[ConsentText]
    decision: Consent | None


def select_newest_texts() -> Select:
    """The newest version of each kind in each language."""
    newest = select(func.max(ConsentText.id)).group_by(ConsentText.kind_id, ConsentText.language)
    return select(ConsentText).where(ConsentText.id.in_(newest)).order_by(ConsentText.kind_id, ConsentText.language)


def list_kinds() -> list[ConsentKind]:
    """All kinds by name, open ones first."""
    return list(db.session.scalars(select(ConsentKind).order_by(ConsentKind.is_open.desc(), ConsentKind.name)))


def newest_texts() -> dict[int, list[ConsentText]]:
    """The newest version in each language, by the id of the kind."""
    texts: dict[int, list[ConsentText]] = {}
    for row in db.session.scalars(select_newest_texts()):
        texts.setdefault(row.kind_id, []).append(row)
    return texts


def get_text(text_id: int) -> ConsentText:
    """A text with its kind; raises `NotFound`."""
    query = select(ConsentText).where(ConsentText.id == text_id).options(joinedload(ConsentText.kind))
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise NotFound(N_("This text does not exist."))
    return row


def next_number(kind_id: int, language: str) -> int:
    """The number of the next version. The kind is locked."""
    last = select(func.max(ConsentText.number)).filter_by(kind_id=kind_id, language=language)
    return (db.session.scalar(last) or 0) + 1


def list_consents(patient_id: int) -> list[Consent]:
    """All decisions of a patient with their texts, the newest first."""
    query = (
        select(Consent).filter_by(patient_id=patient_id).options(joinedload(Consent.text).joinedload(ConsentText.kind))
    )
    return list(db.session.scalars(query.order_by(Consent.decided_on.desc(), Consent.id.desc())))


def states(consents: list[Consent]) -> list[KindState]:
    """Each open kind, and each about which there is a decision, with the decision that counts."""
    texts, counting = newest_texts(), {}
    for consent in reversed(consents):
        if consent.status != ConsentStatus.ENTERED_IN_ERROR:
            counting[consent.text.kind_id] = consent
    kinds = (kind for kind in list_kinds() if (kind.is_open and texts.get(kind.id)) or kind.id in counting)
    return [KindState(kind, texts.get(kind.id, []) if kind.is_open else [], counting.get(kind.id)) for kind in kinds]


def get_consent(patient_id: int, consent_id: int) -> Consent:
    """A decision of this patient with its text; raises `NotFound`."""
    query = select(Consent).filter_by(id=consent_id, patient_id=patient_id)
    query = query.options(joinedload(Consent.text).joinedload(ConsentText.kind))
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise NotFound(N_("This consent does not exist."))
    return row


def get_form(patient_id: int, form_id: int) -> ConsentForm:
    """A form to sign of this patient; raises `NotFound`."""
    row = db.session.scalars(select(ConsentForm).filter_by(id=form_id, patient_id=patient_id)).one_or_none()
    if row is None:
        raise NotFound(N_("This form does not exist."))
    return row
