"""Goods receipts."""
