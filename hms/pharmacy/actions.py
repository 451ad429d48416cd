"""What the pharmacy does, for its own pages and for other desks: each name below is an action."""

from __future__ import annotations

from .adjusting import adjust, change, write_off
from .dispensing import dispense, dispense_all
from .holding import close, hold, query, resume
from .receiving import Received, enter_batch, opening_stock, receive_goods
from .returning import return_dispensed

__all__ = (
    "Received",
    "adjust",
    "change",
    "close",
    "dispense",
    "dispense_all",
    "enter_batch",
    "hold",
    "opening_stock",
    "query",
    "receive_goods",
    "resume",
    "return_dispensed",
    "write_off",
)
