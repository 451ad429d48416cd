"""What the billing desk does, for its own pages and for other desks: each name below is an action."""

from __future__ import annotations

from .charging import add_charge
from .crediting import withdraw_charge
from .drafting import add_item, add_line, change_bill, create_bill, give_discount, restore_line, withdraw_line
from .issuing import ask_for_invoice, issue, void_bill
from .pricing import save_price
from .shifts import close_till, count_till, open_till
from .taking import hand_out_receipt, refund, take_payment

__all__ = (
    "add_charge",
    "add_item",
    "add_line",
    "ask_for_invoice",
    "change_bill",
    "close_till",
    "count_till",
    "create_bill",
    "give_discount",
    "hand_out_receipt",
    "issue",
    "open_till",
    "refund",
    "restore_line",
    "save_price",
    "take_payment",
    "void_bill",
    "withdraw_charge",
    "withdraw_line",
)
