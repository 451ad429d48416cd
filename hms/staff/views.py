"""Pages: one's own page, help; those of signing in stand in files of their own."""

from __future__ import annotations

from flask import render_template

from hms.core.permissions import Action
from hms.core.web import needs

from . import (  # noqa: F401 - they put their pages on the blueprint
    account_views,
    link_views,
    lock_pages,
    profile_views,
    request_views,
    role_views,
    second_factor_pages,
    security_pages,
    sign_in_pages,
)
from .desk import pages

__all__ = ("pages",)


@pages.get("/help")
@needs(Action.SIGNED_IN)
def help_page() -> str:
    """How the daily tasks are done, by desk."""
    return render_template("staff/help.html")
