"""Write texts of consent; record decisions, their withdrawal and errors; ask for a form to sign."""

from __future__ import annotations

from datetime import date

from hms.core import clock
from hms.core.actions import STALE_MESSAGE, action
from hms.core.background.outbox import enqueue
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict, RuleBroken, StaleVersion
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_reason
from hms.core.text.translation import N_
from hms.messages.texts.languages import LANGUAGES
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.enums import ConsentStatus
from hms.patients.models import Consent, ConsentForm, ConsentKind, ConsentText

from . import queries, rules

FORM = "patients.consent_form"


@action(Permission.MANAGE_CONSENT_TEXTS, "patients.save_consent_kind")
def save_kind(
    kind_id: int | None = None, *, name: str, is_open: bool = True, version: int | None = None, by: Person
) -> ConsentKind:
    """Add a kind of consent, or rename, close or open one; raises `StaleVersion` when `version` is not the present one."""
    cleaned = rules.clean_kind(name)
    row = ConsentKind() if kind_id is None else get_for_update(ConsentKind, kind_id)
    if kind_id is not None:
        if version is not None and version != row.version:
            raise StaleVersion(STALE_MESSAGE)
        row.increment_version()
    row.name, row.is_open = cleaned, is_open
    db.session.add(row)
    db.session.flush()
    return row


@action(Permission.MANAGE_CONSENT_TEXTS, "patients.write_consent_text")
def write_text(kind_id: int, *, language: str, title: str, body: str, by: Person) -> ConsentText:
    """Write the next version of the text of a kind in a language. Versions that are there do not change."""
    if language not in LANGUAGES:
        raise RuleBroken(N_("There are no texts in this language."), "language")
    title, body = rules.clean_text(title, body)
    kind = get_for_update(ConsentKind, kind_id)
    row = ConsentText(kind=kind, language=language, title=title, body=body, written_by_id=by.id)
    row.number = queries.next_number(kind.id, language)
    db.session.add(row)
    db.session.flush()
    return row


@action(Permission.EDIT_PATIENT, "patients.record_consent")
def record_consent(
    patient_id: int,
    *,
    text_id: int,
    decision: str,
    decided_on: date,
    decided_by: str = "patient",
    guardian_name: str = "",
    guardian_relation: str = "",
    by: Person,
) -> Consent:
    """Record that the patient, or a guardian, gave or refused the consent of a text. An earlier decision stays in the list.

    Raises `RuleBroken` for a text of a closed kind.
    """
    patient = lookup.patient_for_update(patient_id)
    policy.check_team(patient, by)
    text = db.session.get(ConsentText, text_id)
    if text is None or not get_for_update(ConsentKind, text.kind_id).is_open:
        raise RuleBroken(N_("Choose one of the offered texts."), "text")
    values = rules.clean_decision(
        decision, decided_on, decided_by, guardian_name, guardian_relation, today=clock.today()
    )
    row = Consent(patient_id=patient.id, text=text, recorded_by_id=by.id, **values)
    db.session.add(row)
    db.session.flush()
    return row


@action(Permission.EDIT_PATIENT, "patients.withdraw_consent")
def withdraw_consent(patient_id: int, consent_id: int, *, ended_on: date, reason: str, by: Person) -> Consent:
    """Record that a consent that was given is withdrawn from a day on. Raises `Conflict` when it is not given any more."""
    row = _lock(patient_id, consent_id, by)
    if row.status != ConsentStatus.GIVEN:
        raise Conflict(N_("Only a consent that is given can be withdrawn. Check the list."), code="not_given")
    rules.check_day(ended_on, "ended_on", clock.today(), earliest=row.decided_on)
    return _end(row, ConsentStatus.WITHDRAWN, ended_on, reason, by)


@action(Permission.EDIT_PATIENT, "patients.consent_in_error")
def mark_as_error(patient_id: int, consent_id: int, *, reason: str, by: Person) -> Consent:
    """Mark a decision as entered in error, with the reason: it does not count any more."""
    row = _lock(patient_id, consent_id, by)
    if row.status == ConsentStatus.ENTERED_IN_ERROR:
        raise Conflict(N_("This consent is already marked as entered in error."), code="in_error")
    return _end(row, ConsentStatus.ENTERED_IN_ERROR, clock.today(), reason, by)


def _end(row: Consent, status: ConsentStatus, day: date, reason: str, by: Person) -> Consent:
    row.reason, row.ended_on, row.ended_by_id = clean_reason(reason, longest=rules.MAX_REASON_LENGTH), day, by.id
    set_status(row, status)
    row.increment_version()
    db.session.flush()
    return row


def _lock(patient_id: int, consent_id: int, by: Person) -> Consent:
    policy.check_team(lookup.patient_for_update(patient_id), by)
    return queries.get_consent(patient_id, consent_id)


@action(Permission.EDIT_PATIENT, "patients.ask_for_form")
def ask_for_form(patient_id: int, *, text_id: int, by: Person) -> ConsentForm:
    """Ask for a form with this text and the patient's name, to be signed; a worker makes the PDF."""
    patient = lookup.patient(patient_id)
    policy.check_team(patient, by)
    if db.session.get(ConsentText, text_id) is None:
        raise RuleBroken(N_("Choose one of the offered texts."), "text")
    row = ConsentForm(patient_id=patient.id, text_id=text_id, asked_at=clock.now())
    db.session.add(row)
    db.session.flush()
    enqueue(FORM, row.id)
    return row
