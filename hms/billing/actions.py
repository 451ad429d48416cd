"""What the billing desk does, for its own pages and for other desks: each name below is an action."""

from __future__ import annotations

from .charging import add_charge, add_charges
from .correcting import (
    approve,
    ask_discount,
    decline,
    propose_discount,
    propose_refund,
    propose_void,
    propose_write_off,
    take_back,
)
from .crediting import withdraw_charge
from .discounts import give_discount
from .drafting import add_item, add_line, change_bill, create_bill, restore_line, share_bill, withdraw_line
from .issuing import ask_for_invoice, give_up_draft, issue
from .pricing import load_prices, save_price
from .shifts import close_till, count_till, open_till
from .taking import hand_out_receipt, payer_refused, take_payment

__all__ = (
    "add_charge",
    "add_charges",
    "add_item",
    "add_line",
    "approve",
    "ask_discount",
    "ask_for_invoice",
    "change_bill",
    "close_till",
    "count_till",
    "create_bill",
    "decline",
    "give_discount",
    "give_up_draft",
    "hand_out_receipt",
    "issue",
    "load_prices",
    "open_till",
    "payer_refused",
    "propose_discount",
    "propose_refund",
    "propose_void",
    "propose_write_off",
    "restore_line",
    "save_price",
    "share_bill",
    "take_back",
    "take_payment",
    "withdraw_charge",
    "withdraw_line",
)
