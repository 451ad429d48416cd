"""The kinds of messages. A desk that knows what a message is about registers its kinds here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .enums import Channel


@dataclass(frozen=True)
class Recipient:
    """The patient, or the person of the staff, who gets a message: addresses as recorded, and the recorded language, which
    may be any text. Of a person of the staff only the addresses to which messages are wanted are given."""

    patient_id: int | None = None
    phone: str = ""
    email: str = ""
    language: str = ""
    user_id: int | None = None

    def address(self, channel: Channel) -> str:
        """The address on a channel; blank when none is recorded."""
        return {Channel.SMS: self.phone, Channel.EMAIL: self.email}[channel]


@dataclass(frozen=True)
class News:
    """What a message of a kind would say at this moment.

    The same kind with the same `occurrence` is sent once over a channel. `about_at` is the time that the news names: a
    message that waits is dropped when the news names another time by then. Nothing is sent after `valid_until`.
    """

    recipient: Recipient
    occurrence: str
    about_at: datetime
    valid_until: datetime
    values: Callable[[str], Mapping[str, str]]
    """The values of the kind's names in a language."""


@dataclass(frozen=True)
class MessageKind:
    """One kind of message about a record, for example the reminder of an appointment.

    `record` is the column of a message that names the record. A kind for the staff is also sent in the quiet hours, which
    are the patients'. It has texts for the channels over which it can be sent.

    `names` are the values that its texts may use, with their labels: no other word about a patient can be in a message.
    `find_news` returns None when there is nothing to say about the record with this id any more.
    """

    name: str
    label: Any
    names: Mapping[str, Any]
    texts: Mapping[tuple[str, str], tuple[str, str]]
    """Subject and body by channel and language; an SMS has no subject."""
    find_news: Callable[[int], News | None] = field(repr=False)
    find_example: Callable[[int, str], Mapping[str, str] | None] = field(repr=False)
    """The values of a record of the patient with this id, in a language, to preview a text; None without such a record.
    A kind for the staff has the same values for each id."""
    record: str = "appointment_id"
    is_for_staff: bool = False


_kinds: dict[str, MessageKind] = {}


def register_kind(kind: MessageKind) -> MessageKind:
    """Offer a kind of message."""
    _kinds[kind.name] = kind
    return kind


def all_kinds() -> dict[str, MessageKind]:
    """The kinds by name."""
    return _kinds
