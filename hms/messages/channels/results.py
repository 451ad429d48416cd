"""What a channel says of one message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_WORDS = 300


class Outcome(StrEnum):
    """SENT and REFUSED are the gateway's own answers; after FAILED the message may be tried again.

    UNKNOWN: the message was handed over, but no answer came. It may have been sent, so it is not tried again.
    """

    SENT = "sent"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Result:
    """The outcome, the gateway's number of the message, and its own words."""

    outcome: Outcome
    words: str = ""
    gateway_id: str = ""


def clean_words(words: object, *, secrets: tuple[str, ...] = ()) -> str:
    """One short line of what a server answered, without any of `secrets`."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    for secret in filter(None, secrets):
        text = text.replace(secret, "•••")
    return re.sub(r"[\s\x00-\x1f\x7f\ufffd]+", " ", text).strip()[:MAX_WORDS]
