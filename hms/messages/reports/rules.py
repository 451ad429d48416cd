"""What a delivery report says, whatever names the gateway gives to its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hms.messages.channels.results import clean_words


@dataclass(frozen=True)
class ReportFields:
    """Where a report has the number of the message and its state, and the words for the two ends."""

    id_field: str
    status_field: str
    delivered: tuple[str, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True)
class DeliveryReport:
    """The gateway's number and its word for the state; `is_delivered` is None for a state on the way."""

    gateway_id: str
    word: str
    is_delivered: bool | None


def split_words(text: str) -> tuple[str, ...]:
    """The words of a list with commas, without regard to capitals."""
    return tuple(word.strip().casefold() for word in text.split(",") if word.strip())


def read_report(sent: Mapping[str, Any], fields: ReportFields, dig: Any) -> DeliveryReport | None:
    """The report in the fields that were sent; None when the number or the state is missing. `dig` follows a path."""
    number, word = dig(sent, fields.id_field), dig(sent, fields.status_field)
    if not all(isinstance(value, (str, int)) and str(value).strip() for value in (number, word)):
        return None
    folded = str(word).strip().casefold()
    is_delivered = True if folded in fields.delivered else False if folded in fields.failed else None
    return DeliveryReport(clean_words(number)[:100], clean_words(word), is_delivered)
