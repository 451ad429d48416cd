"""The states of a message and the states that may follow; the channels."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l


class MessageStatus(StrEnum):
    """SENT and DELIVERED are the gateway's own words. UNKNOWN: it was handed over, and nobody knows what became of it."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    MISSED = "missed"
    CANCELLED = "cancelled"


STATUS_LABELS = {
    MessageStatus.WAITING: _l("Waiting"),
    MessageStatus.SENDING: _l("Being sent"),
    MessageStatus.SENT: _l("Sent"),
    MessageStatus.DELIVERED: _l("Delivered"),
    MessageStatus.FAILED: _l("Failed"),
    MessageStatus.UNKNOWN: _l("Unknown"),
    MessageStatus.MISSED: _l("Missed"),
    MessageStatus.CANCELLED: _l("Not needed"),
}
STATUS_TONES = {
    MessageStatus.WAITING: "waiting",
    MessageStatus.SENDING: "waiting",
    MessageStatus.SENT: "info",
    MessageStatus.DELIVERED: "good",
    MessageStatus.FAILED: "stop",
    MessageStatus.UNKNOWN: "caution",
    MessageStatus.MISSED: "caution",
    MessageStatus.CANCELLED: "neutral",
}
_REPORTED = frozenset({MessageStatus.DELIVERED, MessageStatus.FAILED})
_ENDS = frozenset({MessageStatus.FAILED, MessageStatus.MISSED, MessageStatus.CANCELLED})
TRANSITIONS = {
    MessageStatus.WAITING: _ENDS | {MessageStatus.SENDING},
    MessageStatus.SENDING: _REPORTED | {MessageStatus.WAITING, MessageStatus.SENT, MessageStatus.UNKNOWN},
    MessageStatus.SENT: _REPORTED,
    MessageStatus.UNKNOWN: _REPORTED | {MessageStatus.SENT},
    MessageStatus.FAILED: frozenset({MessageStatus.DELIVERED}),
    MessageStatus.DELIVERED: frozenset[MessageStatus](),
    MessageStatus.MISSED: frozenset[MessageStatus](),
    MessageStatus.CANCELLED: frozenset[MessageStatus](),
}
"""A delivery report may come early, late, or after the report of a failure."""
ENDED_STATUSES = frozenset(MessageStatus) - {MessageStatus.WAITING, MessageStatus.SENDING}
"""The states after which a person may send the message again."""


class Wish(StrEnum):
    """What a patient said about messages on a channel."""

    NOT_ASKED = ""
    AGREED = "agreed"
    REFUSED = "refused"


WISH_LABELS = {Wish.NOT_ASKED: _l("Not asked"), Wish.AGREED: _l("Wants messages"), Wish.REFUSED: _l("No messages")}


class Channel(StrEnum):
    SMS = "sms"
    EMAIL = "email"


CHANNEL_LABELS = {Channel.SMS: _l("SMS"), Channel.EMAIL: _l("E-mail")}
