"""The address of the hospital's logo, for pages and papers."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Response, abort, url_for

from hms.core.permissions import Permission
from hms.core.settings import logo
from hms.core.settings import store as settings

pages = Blueprint("logo", __name__)
SETTING = "hospital.logo"


def logo_address() -> str:
    """The address of the logo; blank without one. Small pictures of earlier versions are their own address."""
    value = cast(str, settings.value(SETTING))
    return url_for("logo.picture", mark=logo.content_mark(value)) if logo.read_picture(value) else value


def picture(mark: str) -> Response:
    """The logo. Its address changes with it, so that browsers may keep it."""
    value = cast(str, settings.value(SETTING))
    png = logo.read_picture(value)
    if png is None or mark != logo.content_mark(value):
        abort(404)
    response = Response(png, mimetype="image/png")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


picture.needs = Permission.PUBLIC  # type: ignore[attr-defined]
pages.add_url_rule("/logo/<mark>", view_func=picture)
