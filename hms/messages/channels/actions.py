"""Sends a test message to see whether a channel works."""

from __future__ import annotations

from flask import current_app

from hms.core import clock, idempotency
from hms.core.actions import action
from hms.core.audit import recording
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text.phone_numbers import parse_phone
from hms.core.text.translation import N_, Sentence
from hms.core.web.localisation import in_english
from hms.messages.enums import Channel

from . import sending
from .gateway import read_number
from .results import Result

TEST = N_("This is a test message of %(hospital)s.")


def send_test(channel: str, address: str, *, by: Person) -> Result:
    """Send a test message now, and return what the gateway said. It waits for the network, with no transaction open.

    Raises `RuleBroken` for a channel that is not set up or an address that cannot be one.
    """
    if channel not in set(Channel):
        raise RuleBroken(N_("Choose SMS or e-mail."), "channel")
    to = _read_number(address) if channel == Channel.SMS else address.strip()
    if to is None:
        raise RuleBroken(N_("Enter a phone number with its country code, like +232 76 123 456."), "address")
    hand_over = note_test(Channel(channel), to, by=by)
    idempotency.commit_claim()
    return hand_over()


def _read_number(typed: str) -> str | None:
    """As numbers of patients are stored: with the country code where it is a number of this country."""
    return parse_phone(typed, current_app.config["COUNTRY"]).e164 or read_number(typed)


@action(Permission.MANAGE_SETTINGS, "messages.send_test")
def note_test(channel: Channel, address: str, *, by: Person):
    """Note the test in the audit trail, and return the function that sends it."""
    if not sending.is_set_up(channel):
        raise RuleBroken(N_("This channel is not set up."), "channel")
    recording.record("messages.send_test", by, entity="outgoing_message")
    text = in_english(Sentence(TEST, hospital=settings.value("hospital.name")))
    reference = f"hms-test-{int(clock.now().timestamp())}"
    return sending.prepare(channel, address, text, text, reference)
