"""Requests for an account: no sign-in before approval, and the response does not show who has an account."""

from __future__ import annotations

import random
import re

import pytest
from sqlalchemy import select

from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.staff.accounts import actions as account_actions
from hms.staff.models import RoleChangeRequest, User
from hms.staff.onboarding import actions as onboarding_actions
from hms.staff.role_requests import actions as role_request_actions
from tests.concurrency import at_once
from tests.page import PageClient
from tests.staff.factories import GOOD, role, user, who

pytestmark = pytest.mark.security("C")

WISH = {"username": "j.doe", "email": "j@example.org", "password": GOOD, "first_name": "Jane", "last_name": "Doe"}


@pytest.fixture
def is_open(person):
    settings.change_setting("staff.registration_open", True, by=person("admin"))
    settings.clear_cache()


@pytest.fixture
def stranger(program):
    """A client at an address of its own, so that runs of the tests do not use up each other's limit."""
    client = program(None)
    client.environ_base["REMOTE_ADDR"] = f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(256)}"
    return client


def test_closed_by_default(stranger, desk):
    assert stranger.post("/api/register/", json=WISH).status_code == 403
    assert desk(None).get("/register").status_code == 403


def test_a_requested_account_cannot_sign_in_until_it_is_approved(program, stranger, is_open):
    sent = {**WISH, "role_id": role("admin").id, "is_active": True, "is_superuser": True, "status": "approved"}
    answer = stranger.post("/api/register/", json=sent)
    assert (answer.status_code, answer.json) == (201, {"message": "Registration successful"})
    made = user("j.doe")
    assert (made.is_active, made.awaits_approval, made.role) == (False, True, None)
    assert program(None).post("/api/auth/", json={"username": "j.doe", "password": GOOD}).status_code == 401
    waiting = database.session.scalars(select(RoleChangeRequest)).one()
    assert (waiting.status, waiting.user_id, waiting.requested_role_id) == ("pending", made.id, role("admin").id)
    role_request_actions.approve_request(waiting.id, by=who("admin"))
    assert program(None).post("/api/auth/", json={"username": "j.doe", "password": GOOD}).status_code == 200


def test_the_response_does_not_show_who_has_an_account(program, stranger, is_open):
    taken = stranger.post("/api/register/", json={**WISH, "username": "Admin"})
    fresh = stranger.post("/api/register/", json={**WISH, "username": "nobody.yet"})
    same_address = stranger.post("/api/register/", json={**WISH, "username": "third"})
    assert {(response.status_code, response.get_data()) for response in (taken, fresh, same_address)} == {
        (201, fresh.get_data())
    }
    assert (
        user("Admin2").inactive_reason
        == "Requested an account with the username Admin, which another person already has."
    )
    assert (user("third").email, user("Admin2").email) == ("", "j@example.org")


def test_a_request_sent_twice_makes_one_account(program, stranger, is_open):
    for _time in range(2):
        assert stranger.post("/api/register/", json=WISH).status_code == 201
    assert database.session.scalars(select(User.username).where(User.awaits_approval)).all() == ["j.doe"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"password": "short"}, "password"), ({"password": "JaneDoe2026!"}, "password"), ({"username": "a b"}, "username")]
    + [({"email": "x"}, "email"), ({"role_id": 999}, "role_id"), ({"first_name": "a\nb"}, "first_name")],
)
def test_an_error_is_shown_at_its_field(stranger, is_open, wrong, field):
    answer = stranger.post("/api/register/", json={**WISH, **wrong})
    assert (answer.status_code, field in answer.json) == (400, True)


def test_a_rejected_account_stays_closed_and_an_approved_one_opens(program, stranger, desk, is_open):
    stranger.post("/api/register/", json=WISH)
    admin = desk("admin")
    assert "Requested an account." in admin.get(f"/admin/users/{user('j.doe').id}").get_data(as_text=True)
    account_actions.deactivate(user("j.doe").id, reason="Unknown here", by=who("admin"))
    assert (user("j.doe").awaits_approval, user("j.doe").is_active) == (False, False)
    account_actions.reactivate(user("j.doe").id, by=who("admin"))
    assert program(None).post("/api/auth/", json={"username": "j.doe", "password": GOOD}).status_code == 200


def test_the_page_sends_the_request_and_says_what_happens_next(desk, is_open):
    stranger = desk(None)
    stranger.environ_base["REMOTE_ADDR"] = f"10.0.{random.randrange(256)}.{random.randrange(256)}"
    wrong = stranger.form("/register", **{**WISH, "again": "other"})
    assert (wrong.status_code, 'value="j.doe"' in wrong.get_data(as_text=True)) == (400, True)
    sent = stranger.form("/register", **{**WISH, "again": GOOD})
    assert (sent.status_code, sent.location) == (303, "/register/sent")
    assert stranger.get("/register/sent").status_code == 200


def test_too_many_pending_requests_are_refused(stranger, is_open, monkeypatch):
    monkeypatch.setattr(onboarding_actions, "MAX_PENDING", 1)
    onboarding_actions.register(username="first", password=GOOD, by=SYSTEM)
    assert stranger.post("/api/register/", json=WISH).status_code == 409


def test_the_requests_of_one_address_are_limited_also_at_once_and_by_page_and_api_together(real_app, monkeypatch):
    monkeypatch.setattr(onboarding_actions, "REQUESTS_PER_ADDRESS", "10/hour")
    settings.change_setting("staff.registration_open", True, by=who("admin"))
    settings.clear_cache()
    database.session.rollback()
    address = f"10.1.{random.randrange(256)}.{random.randrange(256)}"

    def ask(number: int, **more: str) -> int:
        client = real_app.test_client()
        client.environ_base["REMOTE_ADDR"] = address
        wish = {**WISH, "username": f"one{number}", "email": "", **more}
        return client.post("/api/register/", json=wish).status_code

    assert {ask(number, password="short") for number in range(12)} == {400}, "slips do not count"
    assert sorted(at_once(16, ask)) == [201] * 10 + [429] * 6
    visitor = PageClient(real_app)
    visitor.environ_base["REMOTE_ADDR"] = address
    refused = visitor.form("/register", **{**WISH, "again": GOOD})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 60


def test_a_passwords_strength_is_checked_only_after_the_request_is_counted(real_app, monkeypatch):
    monkeypatch.setattr(onboarding_actions, "REQUESTS_PER_ADDRESS", "3/hour")
    settings.change_setting("staff.registration_open", True, by=who("admin"))
    settings.clear_cache()
    database.session.rollback()
    client = real_app.test_client()
    client.environ_base["REMOTE_ADDR"] = f"10.2.{random.randrange(256)}.{random.randrange(256)}"
    guessable = {**WISH, "password": "password1234"}
    answers = [client.post("/api/register/", json=guessable).status_code for _ in range(5)]
    assert answers == [400] * 3 + [429] * 2


def test_the_form_names_each_empty_field_and_offers_only_roles_to_ask_for(desk, is_open):
    visitor = desk(None)
    page = visitor.get("/register").get_data(as_text=True)
    assert re.findall(r'<option value="\d+">(\w+)</option>', page) == [
        *("Doctor", "Nurse", "Receptionist", "Pharmacist", "Cashier", "Lab")
    ]
    answer = visitor.form("/register", last_name="", username="", password="", again="")
    summary = answer.get_data(as_text=True).split("There is a problem", 1)[1].split("</ul>", 1)[0]
    assert re.findall("“([^”]+)”", summary) == ["New password", "Repeat password", "Family name", "Username"]
    assert visitor.form("/register", role_id=str(role("admin").id)).status_code == 400
