"""Pharmacy: batches, the stock ledger and dispensing; what left or came is never changed, only returned or adjusted."""

from __future__ import annotations
