"""Pages of the pharmacy: the queue and its lines in `dispensing_pages`, shelves and deliveries in `stock_pages`."""

from __future__ import annotations

from . import dispensing_pages, stock_pages
from .desk import pages

__all__ = ["dispensing_pages", "pages", "stock_pages"]
