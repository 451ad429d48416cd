"""What the pharmacy does, for its own pages and for other desks: each name below is an action."""

from __future__ import annotations

from .dispensing import dispense, dispense_all
from .holding import close, hold, query, resume
from .receiving import Received, adjust, opening_stock, receive_goods, write_off
from .returning import return_dispensed

__all__ = (
    "Received",
    "adjust",
    "close",
    "dispense",
    "dispense_all",
    "hold",
    "opening_stock",
    "query",
    "receive_goods",
    "resume",
    "return_dispensed",
    "write_off",
)
