"""Which printer a document is for: the one of the address, else the one that this computer used last for such documents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Response, request

from hms.core.documents.printers import PRINTER_NAMES, Printer

from .computer_cookies import read_computer_cookie, set_computer_cookie

LIFETIME = timedelta(days=365)


def chosen_printer(cookie: str, default: Printer) -> Printer:
    """The printer of this request; `cookie` is where the computer keeps the last one."""
    return _parse(request.args.get("printer")) or _parse(read_computer_cookie(cookie)) or default


def remember_printer(response: Response, cookie: str) -> Response:
    """Let the computer keep the printer of the address, when it has one."""
    named = _parse(request.args.get("printer"))
    if named is not None:
        set_computer_cookie(response, cookie, named, LIFETIME)
    return response


def printer_links(current: Printer, address: Callable[[Printer], str]) -> list[dict[str, Any]]:
    """The printers as links, for the macro `segments`."""
    return [
        {"label": label, "url": address(printer), "is_current": printer is current}
        for printer, label in PRINTER_NAMES.items()
    ]


def _parse(text: str | None) -> Printer | None:
    return Printer(text) if text in list(Printer) else None
