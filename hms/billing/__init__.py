"""Billing: price list, charges, bills, payments and cash shifts; what is issued or paid is never changed here."""

from __future__ import annotations
