"""Over which channel a patient may be reached, and in which language."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Reach:
    """A channel with the patient's address there, and the language."""

    channel: Channel
    address: str
    language: str


def get_preference(patient_id: int) -> MessagePreference | None:
    """What the patient said last about messages; None when nobody asked."""
    newest = select(MessagePreference).filter_by(patient_id=patient_id)
    newest = newest.order_by(MessagePreference.updated_at.desc(), MessagePreference.id.desc()).limit(1)
    return db.session.scalars(newest).one_or_none()


def is_latest_of(patient_id: Any) -> ColumnElement[bool]:
    """The condition of an outer join that the preference is what the patient with this id (a column) said last."""
    row = MessagePreference.__table__.alias("said")
    newest = select(row.c.id).where(row.c.patient_id == patient_id).order_by(row.c.updated_at.desc(), row.c.id.desc())
    return MessagePreference.id == newest.limit(1).correlate_except(row).scalar_subquery()


def is_allowed(preference: MessagePreference | None, channel: Channel) -> bool:
    """Whether a patient with this preference gets messages on the channel."""
    wish = Wish.NOT_ASKED if preference is None else Wish(getattr(preference, channel.value))
    return wish is Wish.AGREED or (wish is Wish.NOT_ASKED and not _must_agree())


def _must_agree() -> bool:
    return settings.value("messages.consent") == "only_agreed"


def wants(channel: Channel) -> ColumnElement[bool]:
    """`is_allowed` as a condition, for a query that has the patient's preference by an outer join."""
    wish = getattr(MessagePreference, channel.value)
    if _must_agree():
        return wish == Wish.AGREED.value
    return wish.is_distinct_from(Wish.REFUSED.value)


def find_reach(recipient: Recipient, *, after: Channel | None = None) -> Reach | None:
    """The first usable channel that the patient wants and has an address on, of those that follow `after`."""
    usable = sending.usable_channels()
    if after is not None:
        usable = usable[usable.index(after) + 1 :] if after in usable else []
    preference = get_preference(recipient.patient_id)
    language = choose_language(recipient, preference)
    return next(
        (
            Reach(channel, recipient.address(channel), language)
            for channel in usable
            if recipient.address(channel) and is_allowed(preference, channel)
        ),
        None,
    )


def choose_language(recipient: Recipient, preference: MessagePreference | None) -> str:
    """The language that the patient chose for messages, else the recorded one, else the hospital's."""
    chosen = preference.language if preference is not None else ""
    return chosen or find_language(recipient.language) or settings.value("messages.language")
