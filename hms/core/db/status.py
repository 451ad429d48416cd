"""The states that may follow each state of a record, and the one function that changes a record's state.

A record class has its table in `transitions`; the trigger `status_change` (migration 0039) holds the same table, so that
statements written by hand are refused as well. `tests/house/test_transitions.py` compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hms.core.errors import Conflict
from hms.core.text.translation import N_

Transitions = Mapping[Any, frozenset[Any]]

ILLEGAL_CHANGE = N_(
    "This record is in another state now and cannot be changed this way. Open it again to see its state."
)


def may_follow(transitions: Transitions, old: str, new: str) -> bool:
    """Whether `new` may follow `old`, or is the same state."""
    return old == new or new in transitions[old]


def set_status(record: Any, status: str) -> None:
    """Change `record.status`; raises `Conflict` when its class does not allow the new state after the present one."""
    new = str(status)
    if not may_follow(record.transitions, record.status, new):
        raise Conflict(ILLEGAL_CHANGE, "status", code="status_change")
    record.status = new
