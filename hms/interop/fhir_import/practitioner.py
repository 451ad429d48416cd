"""FHIR Practitioner: an account that nobody can sign in to, so that records keep their author's name."""

from __future__ import annotations

import hashlib
from typing import Any

from hms.interop.fhir.fields import resource_id
from hms.interop.fhir.names_and_contacts import human_name


def values(resource: dict[str, Any]) -> dict[str, Any]:
    """The columns of `app_user`: no password, no role and not active, so that nobody books or signs with it."""
    name = human_name(resource)
    # Ids differ in capitals, user names do not: a digest keeps two people apart.
    digest = hashlib.sha256(resource_id(resource).encode()).hexdigest()[:16]
    return {
        "username": f"imported-{digest}",
        "title": name.title,
        "first_name": name.given if name.family else "",
        "last_name": name.family or name.given,
        "is_active": False,
    }
