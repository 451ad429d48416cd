"""The home page of each role."""

from __future__ import annotations

from flask import Blueprint, render_template

from hms.core.permissions import Action
from hms.core.web import needs

pages = Blueprint("home", __name__)


@pages.get("/")
@needs(Action.SIGNED_IN)
def page() -> str:
    """The signed-in person's desk of the day."""
    return render_template("home/page.html")
