"""What people are told about their own account. The messages desk registers how it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hms.core.person import Person

_notifiers: list[Callable[..., Any]] = []


def register_notifier(teller: Callable[..., Any]) -> None:
    """Let `teller(user_id, title=, message=, url=, by=)` carry the notices."""
    _notifiers.append(teller)


def notify(user_id: int, *, title: str, message: str = "", url: str = "", by: Person) -> None:
    """Tell one person, inside the action under way; their open pages hear it once it is committed."""
    for teller in _notifiers:
        teller(user_id, title=title, message=message, url=url, by=by)
