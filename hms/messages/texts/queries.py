"""Over which channel a patient is reached, in which language, and the text of a message there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hms.core.settings import store as settings
from hms.messages.channels import sending
from hms.messages.enums import Channel
from hms.messages.kinds import MessageKind, Recipient

from . import rules
from .languages import find_language


@dataclass(frozen=True)
class Reach:
    """A channel with the patient's address there, and the language."""

    channel: Channel
    address: str
    language: str


@dataclass(frozen=True)
class Rendered:
    """A text that is ready to be sent; an SMS has no subject."""

    subject: str
    body: str


def find_reach(recipient: Recipient, *, after: Channel | None = None) -> Reach | None:
    """The first usable channel on which the patient has an address, of those that follow `after`; None without one."""
    usable = sending.usable_channels()
    if after is not None:
        usable = usable[usable.index(after) + 1 :] if after in usable else []
    addresses = {Channel.SMS: recipient.phone, Channel.EMAIL: recipient.email}
    language = find_language(recipient.language) or settings.value("messages.language")
    return next((Reach(channel, addresses[channel], language) for channel in usable if addresses[channel]), None)


def render_message(kind: MessageKind, channel: Channel, language: str, values: Mapping[str, str]) -> Rendered:
    """The text of this kind on a channel in a language, with its values."""
    subject, body = kind.texts[channel.value, language]
    return Rendered(rules.render(subject, values) if subject else "", rules.render(body, values))
