"""What the billing desk does for others: each name below is an action."""

from __future__ import annotations

from .charging import (
    add_charge,
    add_line,
    change_bill,
    create_bill,
    give_discount,
    restore_line,
    withdraw_line,
)

__all__ = (
    "add_charge",
    "add_line",
    "change_bill",
    "create_bill",
    "give_discount",
    "restore_line",
    "withdraw_line",
)
