"""Over which channel a patient or a person of the staff may be reached, and in which language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select

from hms.core.db.session import db
from hms.core.settings import store as settings
from hms.messages.channels import sending
from hms.messages.enums import Channel, Wish
from hms.messages.kinds import Recipient
from hms.messages.models import MessagePreference
from hms.messages.texts.languages import find_language

ANSWERS = ("sms", "email", "language")


@dataclass(frozen=True)
class Reach:
    """A channel with the recipient's address there, and the language."""

    channel: Channel
    address: str
    language: str


@dataclass(frozen=True)
class Preference:
    """What a patient said about messages: a wish for each channel, and a language; blank where nobody asked.

    `version` is that of the row that is changed next, 0 without a row.
    """

    sms: str = ""
    email: str = ""
    language: str = ""
    version: int = 0


def list_rows(patient_id: int) -> list[MessagePreference]:
    """The rows of a patient, the one that was changed last first: several after records were merged."""
    rows = select(MessagePreference).filter_by(patient_id=patient_id)
    return list(db.session.scalars(rows.order_by(MessagePreference.updated_at.desc(), MessagePreference.id.desc())))


def get_preference(patient_id: int) -> Preference:
    """What the patient said last, for each channel and the language: a blank does not overrule an answer."""
    return _last_answers(list_rows(patient_id))


def _last_answers(rows: Sequence[MessagePreference]) -> Preference:
    said = {name: next(filter(None, (getattr(row, name) for row in rows)), "") for name in ANSWERS}
    return Preference(**said, version=rows[0].version if rows else 0)


def find_channels(recipients: Iterable[Recipient]) -> dict[int, Channel]:
    """The channel over which each of these patients would be told, by the patient's id; without those who cannot be told."""
    people, usable = {one.patient_id: one for one in recipients if one.patient_id}, sending.usable_channels()
    if not people or not usable:
        return {}
    rows = defaultdict(list)
    newest = (MessagePreference.updated_at.desc(), MessagePreference.id.desc())
    for row in db.session.scalars(
        select(MessagePreference).where(MessagePreference.patient_id.in_(people)).order_by(*newest)
    ):
        rows[row.patient_id].append(row)
    preferences = {patient_id: _last_answers(rows[patient_id]) for patient_id in people}
    first = {
        patient_id: next((one for one in usable if who.address(one) and is_allowed(preferences[patient_id], one)), None)
        for patient_id, who in people.items()
    }
    return {patient_id: channel for patient_id, channel in first.items() if channel is not None}


def get_preference_of(recipient: Recipient) -> Preference:
    """What the recipient said. A person of the staff agreed by the addresses that the news gives."""
    if recipient.patient_id is None:
        return Preference(sms=Wish.AGREED, email=Wish.AGREED)
    return get_preference(recipient.patient_id)


def is_allowed(preference: Preference, channel: Channel) -> bool:
    """Whether a patient with this preference gets messages on the channel."""
    wish = Wish(getattr(preference, channel.value))
    return wish is Wish.AGREED or (wish is Wish.NOT_ASKED and not _must_agree())


def _must_agree() -> bool:
    return settings.value("messages.consent") == "only_agreed"


def wants(patient_id: Any, channel: Channel) -> ColumnElement[bool]:
    """`is_allowed` as a condition of a query, for the patient with this id (a column)."""
    said = MessagePreference.__table__.alias("said")
    row = said.c
    answers = select(row[channel.value]).where(row.patient_id == patient_id, row[channel.value] != "")
    newest = answers.order_by(row.updated_at.desc(), row.id.desc()).limit(1)
    wish = newest.correlate_except(said).scalar_subquery()
    if _must_agree():
        return wish == Wish.AGREED.value
    return wish.is_distinct_from(Wish.REFUSED.value)


def find_reach(recipient: Recipient, *, after: Channel | None = None) -> Reach | None:
    """The first usable channel that the recipient wants and has an address on, of those that follow `after`."""
    return next(iter(list_reaches(recipient, after=after)), None)


def list_reaches(recipient: Recipient, *, after: Channel | None = None) -> list[Reach]:
    """The usable channels that the recipient wants and has an address on, the first choice first; those that follow `after`."""
    usable = sending.usable_channels() if recipient.user_id is None else sending.set_up_channels()
    if after is not None:
        usable = usable[usable.index(after) + 1 :] if after in usable else []
    preference = get_preference_of(recipient)
    language = choose_language(recipient, preference)
    return [
        Reach(channel, recipient.address(channel), language)
        for channel in usable
        if recipient.address(channel) and is_allowed(preference, channel)
    ]


def choose_language(recipient: Recipient, preference: Preference) -> str:
    """The language that the recipient chose for messages, else the recorded one, else the hospital's."""
    return preference.language or find_language(recipient.language) or settings.value("messages.language")
