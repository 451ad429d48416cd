"""The steps of a ladder, and the comparison of a value that is read back with the recorded one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from hms.core.errors import RuleBroken
from hms.core.text.numbers import number
from hms.core.text.translation import N_

from .enums import Channels, Group

READ_BACK = "read_back"
MAX_READ_BACK = 200
WRONG_VALUE = N_("“%(typed)s” is not the recorded value. Read the value again and enter it as it is recorded.")
_NUMBER = re.compile(r"([+\-\u2212]?[0-9][0-9.,]*)(.*)", re.DOTALL)
_SAME_SIGNS = str.maketrans({"µ": "u", "μ": "u", "×": "x", "\u2212": "-"})


@dataclass(frozen=True)
class PlannedStep:
    """Who is told after so many minutes, over which channels."""

    minutes: int
    group: Group
    channels: Channels

    def due_at(self, began_at: datetime) -> datetime:
        return began_at + timedelta(minutes=self.minutes)


def put_in_order(steps: Iterable[PlannedStep]) -> list[PlannedStep]:
    """The steps by their minutes; of two for the same minute the one that was named first."""
    return sorted(steps, key=lambda step: step.minutes)


def check_read_back(typed: str, *, value: str, measured: Decimal | None, subject: str) -> None:
    """Raise `RuleBroken` unless `typed` is the recorded value: its number, with or without its unit, or its text.

    The name of what was measured may stand before it ("NEWS2 9").
    """
    text = " ".join(typed.split())
    if not text:
        raise RuleBroken(N_("Read the value on this page, and enter it here."), READ_BACK)
    folded, name = _fold(text), _fold(subject)
    folded = folded.removeprefix(name) if folded != name else folded
    is_same = _is_same_text(folded, value) if measured is None else _is_same_number(folded, value, measured)
    if not is_same:
        raise RuleBroken(WRONG_VALUE, READ_BACK, code="wrong_value", typed=text)


def _is_same_number(folded: str, value: str, measured: Decimal) -> bool:
    match = _NUMBER.fullmatch(folded)
    if match is None:
        return False
    try:
        read = number(match[1])
    except ValueError:
        return False
    return read == measured and match[2] in ("", _unit_of(value))


def _is_same_text(folded: str, value: str) -> bool:
    """Also of an end of a measuring range: ">1000" for ">1000 mg/L"."""
    recorded, unit = _fold(value), _unit_of(value)
    return folded == recorded or bool(unit and folded == recorded.removesuffix(unit))


def _unit_of(value: str) -> str:
    """The unit after the number of a recorded value, folded; blank for a text."""
    match = re.fullmatch(r"[<>≤≥]?[+\-]?[0-9][0-9.,]*(.*)", _fold(value), re.DOTALL)
    return match[1] if match else ""


def _fold(text: str) -> str:
    folded = "".join(text.split()).casefold().translate(_SAME_SIGNS)
    return folded.replace("<=", "≤").replace(">=", "≥")
