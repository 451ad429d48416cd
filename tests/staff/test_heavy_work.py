"""Hashes and pictures take a processor for a while: never with a connection to the database held, and not too many at once."""

from __future__ import annotations

import re
import threading
from io import BytesIO

import pyotp
import pytest
from flask import Flask
from PIL import Image

from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.staff.login_security import concurrent_attempts, passwords
from hms.staff.onboarding import one_time_links
from hms.staff.profile import images
from tests.concurrency import at_once
from tests.conftest import PASSWORD, ROLES
from tests.page import Page, PageClient
from tests.staff.conftest import code_now, said
from tests.staff.factories import GOOD, user, who

pytestmark = pytest.mark.security("L")
PIN = "4827"


def _picture(width: int, height: int, kind: str = "PNG") -> bytes:
    made = BytesIO()
    Image.new("1" if kind == "PNG" else "RGB", (width, height)).save(made, kind)
    return made.getvalue()


def _send(client: PageClient, content: bytes, name: str = "me.png"):
    return client.form("/profile/photo", photo=(BytesIO(content), name))


@pytest.fixture
def held(real_app: Flask, monkeypatch) -> list[int]:
    """How many connections of the pool were in use at each piece of heavy work."""
    seen: list[int] = []

    def counting(work, *given):
        seen.append(database.engine.pool.checkedout())
        return work(*given)

    monkeypatch.setattr(passwords, "run_in_thread", counting)
    monkeypatch.setattr(images, "run_in_thread", counting)
    return seen


def _welcome(client: PageClient) -> None:
    database.session.rollback()
    secret = one_time_links.make_link(user("lab").id, by=who("admin"))
    database.session.rollback()
    assert client.form(f"/welcome/{secret}", password=GOOD, again=GOOD).status_code == 303


def _lock(client: PageClient) -> None:
    forms = Page(client.get("/profile").get_data(as_text=True)).forms
    token = next(form["fields"]["csrf_token"] for form in forms if form["action"] == "/lock")
    assert client.post("/lock", data={"csrf_token": token}).status_code == 303


def _sign_in_and_unlock(client: PageClient) -> None:
    assert client.form("/login", username="nurse", password=PASSWORD).status_code == 303
    assert client.form("/profile/pin", pin=PIN, pin_again=PIN).status_code == 303
    _lock(client)
    assert client.form("/lock", who=user("nurse").id, pin=PIN).status_code == 303
    _lock(client)
    assert client.form("/lock?with=password", password=PASSWORD).status_code == 303


def _second_factor(client: PageClient) -> None:
    page = client.get("/profile/second-factor").get_data(as_text=True)
    phone = pyotp.TOTP(re.search(r'data-ux="secret">([A-Z2-7 ]+)<', page).group(1).replace(" ", ""))
    assert client.form("/profile/second-factor", otp=code_now(phone)).status_code == 303
    codes = re.findall(r"<code>([A-Z2-7-]{19})</code>", client.get("/profile/recovery-codes").get_data(as_text=True))
    sent = {"username": "nurse", "password": PASSWORD, "otp": codes[3]}
    assert PageClient(client.application).post("/api/auth/", json=sent).status_code == 200
    assert client.form("/profile/recovery-codes").status_code == 303
    proof = {"password": PASSWORD, "otp": code_now(phone, steps=1)}
    assert client.form("/profile/second-factor/off", **proof).status_code == 303


def _own_account(client: PageClient) -> None:
    assert client.form("/profile/email", email="n@example.org", current=PASSWORD).status_code == 303
    assert _send(client, _picture(900, 600)).status_code == 303
    assert client.form("/profile/password", current=PASSWORD, password=GOOD, again=GOOD).status_code == 303
    signed_in = PageClient(client.application).post("/api/auth/", json=_of("nurse", GOOD)).json
    headers = {"Authorization": f"Bearer {signed_in['access']}"}
    sent = {"password": f"{GOOD} again", "current_password": GOOD}
    assert client.put("/api/profile/", json=sent, headers=headers).status_code == 200


def _of(username: str, password: str) -> dict[str, str]:
    return {"username": username, "password": password}


def test_no_connection_is_held_while_anything_heavy_is_worked_out(real_app, held):
    settings.change_setting("staff.registration_open", True, by=who("admin"))
    settings.clear_cache()
    client = PageClient(real_app)
    _welcome(client)
    asked = {"username": "newcomer", "last_name": "New", "password": GOOD}
    assert client.post("/api/register/", json=asked).status_code == 201
    _sign_in_and_unlock(client)
    _second_factor(client)
    _own_account(client)
    assert len(held) > 20
    assert set(held) == {0}


def test_hashing_inside_an_action_of_a_request_is_a_fault(app, db):
    with (
        app.test_request_context(),
        action_context("tests.seed", SYSTEM),
        pytest.raises(RuntimeError, match="before the action"),
    ):
        passwords.hash_secret("x")


def test_the_requests_of_one_address_that_hash_at_once_are_bounded_and_tell_when_to_come_again(real_app, monkeypatch):
    """All wait at the first hash until the others have been turned away."""
    with real_app.app_context():
        admitted = concurrent_attempts.concurrency_limits().of_an_address
    many = 3 * admitted
    turned, all_turned_away = [], threading.Event()
    monkeypatch.setattr(concurrent_attempts, "MAX_WAIT_SECONDS", 0)
    monkeypatch.setattr(passwords, "_slots", threading.BoundedSemaphore(many))

    def waiting_for_the_others(work, *given):
        all_turned_away.wait(20)
        return work(*given)

    monkeypatch.setattr(passwords, "run_in_thread", waiting_for_the_others)

    def sign_in(number: int):
        answer = real_app.test_client().post("/api/auth/", json=_of(ROLES[number % len(ROLES)], PASSWORD))
        if answer.status_code == 429:
            turned.append(number)
        if len(turned) == many - admitted:
            all_turned_away.set()
        return answer

    answers = at_once(many, sign_in)
    turned_away = [answer for answer in answers if answer.status_code == 429]
    assert len(turned_away) == many - admitted
    assert {answer.status_code for answer in answers} == {200, 429}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in turned_away)
    monkeypatch.undo()
    assert real_app.test_client().post("/api/auth/", json=_of("doctor", PASSWORD)).status_code == 200, "not counted"
    assert not concurrent_attempts._running
    assert not concurrent_attempts._waiting


@pytest.mark.parametrize(("pool_size", "of_an_address", "in_all"), [(10, 4, 5), (40, 4, 20), (4, 1, 2), (1, 1, 1)])
def test_attempts_leave_half_of_the_pool_to_others(app, monkeypatch, pool_size, of_an_address, in_all):
    monkeypatch.setitem(app.config, "SQLALCHEMY_ENGINE_OPTIONS", {"pool_size": pool_size})
    with app.app_context():
        assert concurrent_attempts.concurrency_limits() == concurrent_attempts.ConcurrencyLimits(of_an_address, in_all)


@pytest.mark.parametrize(("size", "status"), [((4000, 4000), 303), ((4001, 4000), 400), ((25_000, 1_000), 400)])
def test_a_picture_is_judged_by_its_head_before_it_is_opened(desk, monkeypatch, size, status):
    opened, real = [], images._reencode
    monkeypatch.setattr(images, "_reencode", lambda uploaded: opened.append(1) or real(uploaded))
    answer = _send(desk("nurse"), _picture(*size))
    assert (answer.status_code, bool(opened)) == (status, status == 303)
    assert status == 303 or "16 million pixels" in said(answer)


def test_one_person_sends_ten_pictures_in_ten_minutes_and_others_are_not_held_up(desk):
    nurse, small = desk("nurse"), _picture(10, 10)
    assert [_send(nurse, small).status_code for _ in range(11)] == [303] * 10 + [429]
    assert int(_send(nurse, small).headers["Retry-After"]) > 60
    assert _send(desk("doctor"), small).status_code == 303
