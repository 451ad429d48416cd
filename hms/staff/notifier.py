"""Sends people alerts about their own account. The messages desk registers the function that does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hms.core.person import Person

_notifiers: list[Callable[..., Any]] = []


def register_notifier(send: Callable[..., Any]) -> None:
    """Send alerts by calling `send(user_id, title=, message=, url=, by=)`."""
    _notifiers.append(send)


def notify(user_id: int, *, title: str, message: str = "", url: str = "", by: Person) -> None:
    """Send an alert to one person, inside the current action; their open pages show it after the commit."""
    for send in _notifiers:
        send(user_id, title=title, message=message, url=url, by=by)
