"""The states of a laboratory order."""

from __future__ import annotations

from enum import StrEnum


class OrderStatus(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    CANCELLED = "cancelled"


ORDER_TRANSITIONS = {
    OrderStatus.WAITING: frozenset({OrderStatus.DONE, OrderStatus.CANCELLED}),
    OrderStatus.DONE: frozenset[OrderStatus](),
    OrderStatus.CANCELLED: frozenset({OrderStatus.WAITING}),
}
"""The states that may follow each one. An order with a result is not cancelled; a wrong result is corrected. A cancelled one
waits again only when its encounter, entered in error, is restored."""
