"""The attributes of a form's control: how it looks, and what a screen reader says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOT_LEFT_TO_THE_BROWSER = {"required": False, "maxlength": False, "minlength": False, "min": False, "max": False}
"""Attributes that WTForms would add: the server's message says more than the browser's, and nothing typed is cut off."""


def control_attributes(
    field: Any, width: object, classes: str, described_by: str, more: Mapping[str, Any]
) -> dict[str, Any]:
    """Attributes for the widget of `field`, to be given to it as keywords; those of `more` that are None are left out."""
    css = "input" + (f" w-{width}" if width else "") + (f" {classes}" if classes else "")
    attributes: dict[str, Any] = {"class": css}
    if described_by:
        attributes["aria-describedby"] = described_by
    if field.errors:
        attributes["aria-invalid"] = "true"
    if field.flags.required:
        attributes["aria-required"] = "true"
    return attributes | NOT_LEFT_TO_THE_BROWSER | {name: value for name, value in more.items() if value is not None}
