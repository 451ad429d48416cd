"""The words with which pages show messages."""

from __future__ import annotations

from typing import Any

from .enums import CHANNEL_LABELS, STATUS_LABELS, STATUS_TONES, MessageStatus
from .kinds import all_kinds


def message_words() -> dict[str, Any]:
    """Template values: tone and word by status, and the labels of channels and kinds."""
    statuses = {str(status): (STATUS_TONES[status], STATUS_LABELS[status]) for status in MessageStatus}
    kinds = {kind.name: kind.label for kind in all_kinds().values()}
    return {"statuses": statuses, "channels": CHANNEL_LABELS, "kinds": kinds}
