"""The staff desk's two blueprints: pages and API endpoints."""

from __future__ import annotations

from flask import Blueprint, Response, g

from hms.core.api.blueprint import ApiBlueprint

pages = Blueprint("staff", __name__)
api = ApiBlueprint("staff_api", __name__, description="Sign-in, staff and roles")

FAILURES_PER_ADDRESS = "30/minute"


def is_failed_attempt(response: Response) -> bool:
    """Whether a response counts against the limit of its address: only refused attempts do, as many staff share an address.

    A request refused because too many people were signing in at that moment is no attempt.
    """
    return response.status_code in (401, 429) and "is_over_capacity" not in g
