"""Buttons that post nothing but themselves, and the button that undoes what was done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash

from .forms import ActionForm
from .guard import current_person


def press(action: Callable[..., Any], **values: Any) -> bool:
    """Call `action` with `values` as the signed-in person. When it is refused, show why on the next page; returns whether it
    was done."""
    form = ActionForm()
    if form.save(lambda *, by, **_posted: action(**values, by=by), by=current_person()):
        return True
    for messages in form.errors.values():
        flash(str(messages[0]), "stop")
    return False


def flash_with_undo(message: str, undo: str, **values: Any) -> None:
    """Show `message` on the next page with a button Undo, which posts `values` to the address `undo`."""
    flash({"text": message, "undo": undo, "values": values}, "undo")
