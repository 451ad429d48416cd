"""Plans that are shown before they are carried out: their key, and the order in which a page shows them."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any


def make_key(*parts: object) -> str:
    """A text that is the same only while the plan is: who confirms a plan sends it, so that nothing else is done."""
    return sha256(repr(parts).encode()).hexdigest()[:32]


def by_time(steps: Iterable[Any]) -> list[Any]:
    """Steps in the order of their bookings."""
    return sorted(steps, key=lambda step: (step.booking.date, step.booking.time, step.booking.id))
