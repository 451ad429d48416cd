"""The home page of each role."""

from __future__ import annotations

from flask import Blueprint, render_template

from hms.core.permissions import Action
from hms.core.web import needs, person

from . import today

pages = Blueprint("home", __name__)


@pages.get("/")
@needs(Action.SIGNED_IN)
def page() -> str:
    """The signed-in person's desk of the day."""
    return render_template("home/page.html", home=today.today(person()))


@pages.get("/home/rows")
@needs(Action.SIGNED_IN)
def rows() -> str:
    """The part of the home page that renews itself."""
    return render_template("home/_today.html", home=today.today(person()))
