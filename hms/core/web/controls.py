"""The HTML attributes of a form's control: its CSS classes, and what a screen reader reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WITHOUT_BROWSER_CHECKS = {"required": False, "maxlength": False, "minlength": False, "min": False, "max": False}
"""Switches off attributes that WTForms would add: the server's messages are clearer than the browser's, and the browser
must not cut typed text off."""


def control_attributes(
    field: Any, width: object, classes: str, described_by: str, more: Mapping[str, Any]
) -> dict[str, Any]:
    """The attributes to pass to the widget of `field` as keywords; those of `more` that are None are left out."""
    css_classes = "input" + (f" w-{width}" if width else "") + (f" {classes}" if classes else "")
    attributes: dict[str, Any] = {"class": css_classes}
    if described_by:
        attributes["aria-describedby"] = described_by
    if field.errors:
        attributes["aria-invalid"] = "true"
    if field.flags.required:
        attributes["aria-required"] = "true"
    return attributes | WITHOUT_BROWSER_CHECKS | {name: value for name, value in more.items() if value is not None}
