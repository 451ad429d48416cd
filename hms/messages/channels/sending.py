"""The channels: which of them can be used, and sending over one of them."""

from __future__ import annotations

from collections.abc import Callable

from hms.core.background import mail
from hms.core.settings import store as settings
from hms.messages.enums import Channel

from . import email, gateway
from .results import Result


def is_set_up(channel: Channel) -> bool:
    """Whether the hospital has a gateway for this channel."""
    return mail.is_set_up() if channel is Channel.EMAIL else bool(settings.value("messages.sms_url"))


def usable_channels() -> list[Channel]:
    """The channels for messages to patients (setting `messages.channels`) that are set up, the first choice first."""
    return [channel for channel in map(Channel, settings.value("messages.channels").split("_")) if is_set_up(channel)]


def set_up_channels() -> list[Channel]:
    """The channels for messages to the staff, whatever the hospital chose for those to patients."""
    return [channel for channel in (Channel.EMAIL, Channel.SMS) if is_set_up(channel)]


def prepare(channel: Channel, to: str, subject: str, text: str, reference: str) -> Callable[[], Result]:
    """A function that sends this message and returns what became of it. It reads no setting, so that it needs no
    connection to the database while it waits for the network."""
    if channel is Channel.EMAIL:
        return lambda: email.send(to, subject, text, reference)
    described = gateway.Gateway.from_settings()
    return lambda: gateway.send(described, to, text, reference)
