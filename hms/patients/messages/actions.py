"""Records which messages a patient wants."""

from __future__ import annotations

from hms.core.actions import STALE_MESSAGE, action
from hms.core.db.session import db
from hms.core.errors import RuleBroken, StaleVersion
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.messages.enums import Channel, Wish
from hms.messages.models import MessagePreference
from hms.messages.preferences.queries import list_rows
from hms.messages.texts.languages import LANGUAGES
from hms.patients import lookup
from hms.patients.access import policy


@action(Permission.EDIT_PATIENT, "messages.set_preference")
def set_preference(
    patient_id: int, *, sms: str, email: str, language: str, version: int | None = None, by: Person
) -> MessagePreference:
    """Record what the patient wants. Raises `StaleVersion` when `version` is not the stored one (0: nobody asked yet)."""
    patient = lookup.patient_for_update(patient_id)
    policy.check_team(patient, by)
    for channel, wish in ((Channel.SMS, sms), (Channel.EMAIL, email)):
        if wish not in set(Wish):
            raise RuleBroken(N_("Choose one of the offered answers."), channel.value)
    if language and language not in LANGUAGES:
        raise RuleBroken(N_("There are no texts in this language."), "language")
    row, *older = list_rows(patient_id) or [None]
    if version is not None and version != (row.version if row else 0):
        raise StaleVersion(STALE_MESSAGE)
    wishes = {"sms": sms, "email": email, "language": language}
    if row is None:
        row = MessagePreference(patient_id=patient_id, **wishes)
        db.session.add(row)
    elif wishes != {name: getattr(row, name) for name in wishes}:
        for name, value in wishes.items():
            setattr(row, name, value)
        row.increment_version()
    for other in older:  # of a merged record: what is blank now must not come back from there
        for name in (name for name, value in wishes.items() if not value and getattr(other, name)):
            setattr(other, name, "")
    row.recorded_by_id = by.id
    db.session.flush()
    return row
