"""JSON of the billing desk."""

from __future__ import annotations

from . import bill_api, correction_api, payment_api  # noqa: F401 - they put their endpoints on the blueprint
from .desk import api

__all__ = ("api",)
