"""Every route × every role and nobody, on real records: access is as the route declares, and nothing fails."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from hms.core.permissions import DEFAULT_GRANTS, GRANTS_WITHOUT_ROLE, Permission, Role
from tests.house.hospital import every_record
from tests.house.places import Place, places

pytestmark = [pytest.mark.security("A"), pytest.mark.slow]

ROLES = (*(role.value for role in Role), "norole", "nobody")

OWN_AFFAIRS = {
    "patients.allergies",
    "staff.locked",
    "staff.register",
    "clinical.template",
    "clinical.withdraw_template",
    "clinical.draft",
    "clinical.draft_key",
    "clinical.write",
    "clinical.forget_unsaved",
    "clinical.correct",
}
"""Routes with a further check: whose encounter it is, whether a session is locked, whether accounts may be requested."""


@pytest.fixture
def known(db) -> dict[str, int]:
    """An id for every kind of record that an address names."""
    return every_record("Walked")


def _admitted(app, place: Place, role: str) -> bool:
    """Whether the route allows this role."""
    view = app.view_functions[place.endpoint]
    if view.needs is Permission.PUBLIC:
        return True
    if role == "nobody":
        return False
    if view.needs is Permission.SIGNED_IN:
        return True
    granted = DEFAULT_GRANTS[Role(role)] if role in set(Role) else frozenset()
    return any(action in granted for action in (view.needs, *getattr(view, "other_permissions", ()))) or _without_role(
        view, role
    )


def _without_role(view, role: str) -> bool:
    return role == "norole" and view.needs in GRANTS_WITHOUT_ROLE


def _is_turned_away(status: int, place: Place, role: str) -> bool:
    return status == (401 if role == "nobody" else 403)


@pytest.mark.parametrize("role", ROLES)
def test_every_route_admits_whom_it_says_and_nothing_fails(app, desk, program, known, role, record_property):
    """An empty submit to everything: allowed roles get any status but 401 and 403, others get those."""
    username = None if role == "nobody" else role
    clients, wrong, count = {True: program(username), False: desk(username)}, [], 0
    for place in sorted(places(app, known), key=lambda place: place.method != "GET"):
        client = clients[place.is_api]
        if place.method != "GET" and not place.is_api:
            client = desk(username)
        status = _status(client, place)
        count += 1
        may, is_away = _admitted(app, place, role), _is_turned_away(status, place, role)
        if status >= 500 or (may and is_away and place.endpoint not in OWN_AFFAIRS) or (not may and not is_away):
            wrong.append(f"{place.method} {place.rule}: {'let in' if may else 'kept out'} but {status}")
    record_property("counted", ("routes × roles, walked on records", count, len(wrong)))
    assert wrong == [], "\n".join(wrong)


def _status(client, place: Place) -> int:
    """The status of an empty submit (or a fetch); for visitors who are sent to sign in, 401."""
    client.checks = False
    body = {} if place.method == "GET" else {"json": {}} if place.is_api else {"data": {"csrf_token": token(client)}}
    answer = client.open(place.path, method=place.method, **body)
    is_sent_away = answer.status_code == 302 and "/login" in (answer.location or "")
    return 401 if is_sent_away else answer.status_code


def token(client) -> str:
    """The CSRF token of this client's pages."""
    page = client.get("/login")
    page = client.get("/") if page.status_code == 302 else page
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.get_data(as_text=True))
    return found.group(1) if found else ""


def test_an_address_that_names_an_unknown_record_fails_here(app, known):
    """Every record in a route must be known to these tests, so that they can open the route."""
    assert len(list(places(app, known))) > 200
    newer = Flask("newer")
    newer.add_url_rule("/tests/<int:unheard_of_id>", "unheard", lambda unheard_of_id: "")
    with pytest.raises(KeyError, match="unheard_of_id"):
        list(places(newer, known))
