"""How many characters and parts an SMS has (3GPP TS 23.038): the GSM alphabet with its extension table, or UCS-2."""

from __future__ import annotations

from dataclasses import dataclass

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")
"""Characters that take two places: they are sent after an escape."""
GSM_SINGLE, GSM_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67


@dataclass(frozen=True)
class SmsSize:
    """The places that a text takes, how many one part of it holds, and the parts. `others` are the characters outside the
    GSM alphabet, each once, which make a text of few places into many parts."""

    places: int
    per_part: int
    parts: int
    others: str


def measure_sms(text: str) -> SmsSize:
    """The size of `text` as an SMS."""
    others = "".join(dict.fromkeys(c for c in text if c not in GSM_BASIC and c not in GSM_EXTENDED))
    if others:
        widths = [len(character.encode("utf-16-be")) // 2 for character in text]
        return _in_parts(widths, UCS2_SINGLE, UCS2_PART, others)
    return _in_parts([2 if character in GSM_EXTENDED else 1 for character in text], GSM_SINGLE, GSM_PART, "")


def _in_parts(widths: list[int], single: int, per_part: int, others: str) -> SmsSize:
    """A character that takes two places is not cut between two parts."""
    places = sum(widths)
    if places <= single:
        return SmsSize(places, single, 1 if places else 0, others)
    parts, room = 1, per_part
    for width in widths:
        if width > room:
            parts, room = parts + 1, per_part
        room -= width
    return SmsSize(places, per_part, parts, others)
