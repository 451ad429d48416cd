"""The staff desk's two blueprints; the modules beside this one put their pages and endpoints on them."""

from __future__ import annotations

from flask import Blueprint, Response, g

from hms.core.api.blueprint import ApiBlueprint

pages = Blueprint("staff", __name__)
api = ApiBlueprint("staff_api", __name__, description="Sign-in, staff and roles")

FAILURES_PER_ADDRESS = "30/minute"


def is_failed_attempt(response: Response) -> bool:
    """Only refused tries count against an address: a whole shift may sign in from behind one.

    What was turned away because too many were signing in at that moment was no try.
    """
    return response.status_code in (401, 429) and "is_turned_away" not in g
