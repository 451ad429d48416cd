"""The smallest pieces of a page, written so often that they are Python: a drawing, the attributes of an element."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import Any

from flask import Flask, current_app, g
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from wtforms.widgets import core as widgets

from .addresses import asset
from .speaking import language
from .written import marked_up, written

_TURNING = ("next", "back", "exit")
_drawings: dict[str, Markup] = {}
_unchanging: dict[tuple[str, str], Markup] = {}


def drawing(name: str) -> Markup:
    """The drawing of static/img/icons.svg with this name (`macros/icons.html`)."""
    known = _drawings.get(name)
    if known is None:
        kinds = f"icon icon--{name}" + (" icon--turns" if name in _TURNING else "")
        known = marked_up(
            f'<svg class="{kinds}" aria-hidden="true" focusable="false" viewBox="0 0 24 24">'
            f'<use href="{asset("img/icons.svg")}#{name}"/></svg>'
        )
        if not current_app.debug:
            _drawings[name] = known
    return known


def unchanging(name: str, caller: Callable[[], Markup]) -> Markup:
    """What a block or macro writes, written once for each language: for what is the same on every page."""
    known = _unchanging.get((name, language()))
    if known is None:
        known = caller()
        if not current_app.debug:
            _unchanging[name, language()] = known
    return known


@lru_cache(maxsize=4096)
def remembered(write: Callable[..., Markup], *given: Hashable) -> Markup:
    """What the macro `write` makes of what it is given, kept for whoever reads the same next: for rows of boards that
    are read again at each change, most of them unchanged.

    The macro may read nothing that changes except what it is given: the day of an age, what the reader may do. It
    belongs to one language. What is given is told apart by `==`: no decimals (2 and 2.0), no text beside markup.
    """
    return write(*given)


def further_attributes(given: Mapping[str, Any]) -> Markup:
    """Attributes as they stand after others: what is None or False is left out, what is True has no value."""
    text = ""
    for name, value in given.items():
        if value is True:
            text += f" {name}"
        elif value is not None and value is not False:
            text += f' {name}="{written(value)}"'
    return marked_up(text)


def field_attributes(**given: Any) -> Markup:
    """Attributes of a form's control in the order of their names, as WTForms says them (its `html_params`)."""
    parts = []
    for key in sorted(given):
        value = given[key]
        if value is False:
            continue
        name = key.rstrip("_")
        if name.startswith(("data_", "aria_")):
            name = name.replace("_", "-")
        parts.append(name if value is True else f'{name}="{_quoted(value)}"')
    return marked_up(" ".join(parts))


_BROWSERS_OWN = {"required": False, "maxlength": False, "minlength": False, "min": False, "max": False}
"""Left off: the server's sentence tells more than the browser's refusal, and nothing typed is cut."""


def control_attributes(
    field: Any, width: object, classes: str, described_by: str, more: Mapping[str, Any]
) -> dict[str, Any]:
    """The attributes of the control of `field`: how it looks, and what a screen reader says of it; None is left out."""
    looks = "input" + (f" w-{width}" if width else "") + (f" {classes}" if classes else "")
    given: dict[str, Any] = {"class": looks}
    if described_by:
        given["aria-describedby"] = described_by
    if field.errors:
        given["aria-invalid"] = "true"
    if field.flags.required:
        given["aria-required"] = "true"
    return given | _BROWSERS_OWN | {name: value for name, value in more.items() if value is not None}


def _quoted(value: Any) -> str:
    return written(value).replace('"', "&quot;")


def form_token() -> str:
    """The token of this session's forms against forged requests; made once for a page."""
    return g.get("csrf_token") or generate_csrf()


def install(app: Flask) -> None:
    """Give the pieces to templates, and to WTForms its attributes: its own make an object of markup of each part."""
    pieces = {"drawing": drawing, "further_attributes": further_attributes, "control_attributes": control_attributes}
    app.jinja_env.globals.update(pieces, unchanging=unchanging, remembered=remembered, csrf_token=form_token)
    app.context_processor(lambda: {"csrf_token": form_token})  # Flask-WTF gives its own this way too
    widgets.html_params = field_attributes
    widgets.Input.html_params = staticmethod(field_attributes)
