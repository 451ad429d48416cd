"""Cookies that stay on a computer beside the session, such as the printer of the desk."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, current_app, request


def _full_name(name: str) -> str:
    """With HTTPS the prefix ties the cookie to this host and to HTTPS (RFC 6265bis)."""
    return f"__Host-{name}" if current_app.config["HTTPS"] else name


def read_computer_cookie(name: str) -> str:
    """What this computer keeps under `name`; "" for nothing. Anybody at the computer may have changed it."""
    return request.cookies.get(_full_name(name), "")


def set_computer_cookie(response: Response, name: str, value: str, lifetime: timedelta) -> None:
    """Let this computer keep `value`, unseen by scripts and not sent by other sites. Never a patient's data."""
    response.set_cookie(
        _full_name(name),
        value,
        max_age=int(lifetime.total_seconds()),
        httponly=True,
        secure=current_app.config["HTTPS"],
        samesite="Lax",
    )
