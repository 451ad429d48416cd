"""Billing: price list, charges, bills, payments and cash shifts. Issued bills and payments are never changed."""

from __future__ import annotations
