"""Limits on login attempts: counted before hashing, the same message for all failures, per device and address."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from flask import Flask
from flask_limiter import Limiter
from sqlalchemy import func, select

from hms.core import clock
from hms.core.actions import action_context
from hms.core.background.outbox import Outbox
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.web.rate_limits import LIMITER_OPTIONS
from hms.messages.models import Notification
from hms.staff.jobs import warn_of_lockouts
from hms.staff.login_security import passwords
from hms.staff.models import LoginActivity
from tests.concurrency import at_once
from tests.conftest import PASSWORD
from tests.page import PageClient
from tests.staff.conftest import said

pytestmark = pytest.mark.security("E")

WRONG = "wrong-password"


def _fail(client, name: str, times: int, password: str = WRONG) -> list[int]:
    return [client.form("/login", username=name, password=password).status_code for _ in range(times)]


def _from(desk, address: str) -> PageClient:
    client = desk(None)
    client.environ_base["REMOTE_ADDR"] = address
    return client


def test_fifty_attempts_at_once_need_at_most_five_hashes(real_app, monkeypatch, record_property):
    hashes, counting, real = [], threading.Lock(), passwords._verify

    def counted(stored: str, password: str) -> bool:
        with counting:
            hashes.append(password)
        return real(stored, password)

    monkeypatch.setattr(passwords, "_verify", counted)

    def guess(number: int) -> int:
        sent = {"username": "doctor", "password": f"guess-{number}"}
        return real_app.test_client().post("/api/auth/", json=sent).status_code

    answers = at_once(50, guess)
    record_property("figure", f"lockout: hashes made for 50 tries at once: {len(hashes)} (at most 5)")
    assert len(hashes) <= 5
    assert answers.count(401) == len(hashes)
    assert answers.count(429) == 50 - len(hashes)


def test_many_right_attempts_at_once_all_succeed(real_app):
    """Twenty sign-ins at once with one account are no attack: an attempt waits for those that are running."""
    sent = {"username": "doctor", "password": PASSWORD}
    answers = at_once(20, lambda _: real_app.test_client().post("/api/auth/", json=sent).status_code)
    assert answers == [200] * 20


@pytest.mark.parametrize(
    "name", ["nurse", "NURSE", "nobody-here", "closed", "new-here", "\u0000", "x" * 5000, "' OR 1=1 --"]
)
def test_every_failure_has_the_same_message_and_one_hash(desk, account, monkeypatch, name):
    with action_context("tests.seed", SYSTEM):
        closed, new = account("cashier"), account("lab")
        closed.username, closed.is_active = "closed", False
        new.username, new.password_hash = "new-here", None
    hashes, real = [], passwords._verify
    monkeypatch.setattr(passwords, "_verify", lambda *arguments: hashes.append(arguments) or real(*arguments))
    answer = desk(None).post("/api/auth/", json={"username": name, "password": "wrong-password"})
    assert answer.status_code == 401
    assert answer.get_json() == {
        "detail": "Wrong username or password. 4 attempts left before a 15-minute lock.",
        "code": "no_active_account",
    }
    assert len(hashes) == 1


def test_a_right_password_does_not_sign_in_to_a_closed_account(desk, account):
    with action_context("tests.seed", SYSTEM):
        account("cashier").is_active = False
    assert _fail(desk(None), "cashier", 1, PASSWORD) == [401]


def test_after_five_wrong_attempts_the_page_says_until_when_and_who_can_unlock(desk):
    client, now = desk(None), clock.now().replace(microsecond=0)
    with clock.frozen_at(now):
        assert _fail(client, "nurse", 5) == [401] * 5
        refused = client.form("/login", username="nurse", password=PASSWORD)
    opens = clock.local(now + timedelta(minutes=15)).strftime("%H:%M")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "900")
    assert f"sign in again at {opens}" in said(refused)
    assert "administrator" in said(refused)
    assert 'value="nurse"' in refused.get_data(as_text=True)
    with clock.frozen_at(now + timedelta(minutes=15, seconds=1)):
        assert _fail(client, "nurse", 1, PASSWORD) == [303]


def test_a_right_attempt_resets_the_count_of_wrong_ones(desk):
    client = desk(None)
    for _ in range(3):
        assert _fail(client, "nurse", 4) == [401] * 4
        assert desk(None).post("/api/auth/", json={"username": "nurse", "password": PASSWORD}).status_code == 200


def test_an_unknown_device_cannot_lock_the_doctor_out_of_the_known_pc(desk):
    doctors_pc, stranger = desk(None), desk(None)
    assert _fail(doctors_pc, "doctor", 1, PASSWORD) == [303]
    doctors_pc.form("/logout")
    assert _fail(stranger, "doctor", 6, "guess")[-1] == 429
    assert _fail(stranger, "doctor", 1, PASSWORD) == [429]
    assert _fail(doctors_pc, "doctor", 1, PASSWORD) == [303]


def test_other_addresses_are_locked_only_after_too_many_attempts_of_all_unknown_devices(desk):
    for address in ("10.0.0.1", "10.0.0.2"):
        assert _fail(_from(desk, address), "doctor", 6)[-1] == 429
    assert _fail(_from(desk, "10.0.0.3"), "doctor", 1, PASSWORD) == [303]
    for number in range(4, 8):
        _fail(_from(desk, f"10.0.0.{number}"), "doctor", 5)
    assert _fail(_from(desk, "10.0.0.9"), "doctor", 1, PASSWORD) == [429]


def test_a_known_device_is_known_only_for_accounts_that_signed_in_there(desk):
    nurses_pc = desk(None)
    _fail(nurses_pc, "nurse", 1, PASSWORD)
    nurses_pc.form("/logout")
    assert _fail(nurses_pc, "doctor", 6)[-1] == 429
    assert _fail(_from(desk, "10.0.0.3"), "doctor", 1, PASSWORD) == [303]


@pytest.mark.parametrize("forged", ["", "x", "ImFiYyI.aaaa.bbbb"])
def test_a_forged_device_cookie_is_not_accepted(desk, forged):
    client = desk(None)
    client.set_cookie("hms_device", forged)
    assert _fail(client, "doctor", 6)[-1] == 429


def test_an_address_that_guesses_many_names_must_wait_and_keeps_the_typed_name(desk):
    client = desk(None)
    answers = [client.form("/login", username=f"name{n}", password="wrong").status_code for n in range(31)]
    assert answers == [401] * 30 + [429]
    refused = client.form("/login", username="kadiatu", password="wrong")
    assert int(refused.headers["Retry-After"]) <= 61
    assert 'value="kadiatu"' in refused.get_data(as_text=True)
    assert "Wait" in said(refused)


def test_a_whole_shift_signs_in_from_one_address(desk):
    for _ in range(40):
        assert desk(None).post("/api/auth/", json={"username": "nurse", "password": PASSWORD}).status_code == 200


@pytest.mark.security("L")
def test_limits_work_without_redis_and_without_delay(app):
    """Then attempts are counted in memory, without a delay: people can sign in without Redis."""
    probe = Flask("probe")
    probe.config.update({name: value for name, value in app.config.items() if name.startswith("RATELIMIT_")})
    probe.config["RATELIMIT_STORAGE_URI"] = "redis://127.0.0.1:1/0"
    limits = Limiter(**LIMITER_OPTIONS)
    limits.init_app(probe)
    probe.add_url_rule("/", view_func=limits.limit("5/minute")(lambda: "in"), endpoint="door")
    began = time.perf_counter()
    answers = [probe.test_client().get("/").status_code for _ in range(7)]
    assert answers == [200] * 5 + [429] * 2
    assert time.perf_counter() - began < 3


def test_every_attempt_is_recorded_with_address_device_and_outcome(desk, account):
    client = _from(desk, "10.9.8.7")
    client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/128.0 Safari/537.36"
    _fail(client, "Doctor", 2)
    _fail(client, "doctor", 1, PASSWORD)
    rows = database.session.scalars(select(LoginActivity).order_by(LoginActivity.id)).all()
    assert [(row.status, row.ip and str(row.ip)) for row in rows] == [
        ("failed", "10.9.8.7"),
        ("failed", "10.9.8.7"),
        ("success", "10.9.8.7"),
    ]
    assert "Chrome on Windows" in said(client.get("/profile/sign-ins"))
    seen = said(desk("admin").get("/admin/sign-ins?account=doctor&outcome=refused"))
    assert seen.count("Wrong password") >= 2
    assert "10.9.8.7" in seen
    assert desk("nurse").get("/admin/sign-ins").status_code == 403


@pytest.mark.parametrize("wrong", ["day_from=yesterweek", "outcome=nothing", "address=%00", "before=x", "account=%ff"])
def test_filters_of_the_sign_ins_accept_invalid_values(desk, wrong):
    assert desk("admin").get(f"/admin/sign-ins?{wrong}").status_code in (200, 400)


def test_administrators_get_an_alert_at_the_third_lockout_of_an_hour(desk, account):
    for number, name in enumerate(("nurse", "cashier", "lab")):
        assert database.session.scalar(select(func.count(Outbox.id)).filter_by(kind="staff.warn_of_lockouts")) == 0
        _fail(_from(desk, f"10.0.1.{number}"), name, 5)
    due = database.session.scalars(select(Outbox).filter_by(kind="staff.warn_of_lockouts")).one()
    with action_context("tests.work", SYSTEM):
        warn_of_lockouts(due.ref_id)
    alerts = database.session.scalars(select(Notification).filter_by(user_id=account("admin").id)).all()
    assert [alert.title for alert in alerts] == ["3 sign-ins locked out within an hour"]


def test_a_weaker_hash_is_renewed_at_sign_in(desk, account):
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=16, parallelism=2).hash(PASSWORD)
    with action_context("tests.seed", SYSTEM):
        account("nurse").password_hash = weak
    assert _fail(desk(None), "nurse", 1, PASSWORD) == [303]
    renewed = account("nurse").password_hash
    assert renewed != weak
    assert not passwords.is_outdated(renewed)


def test_real_hashes_meet_owasp_whatever_the_environment_says(app, monkeypatch):
    """Argon2id with 19 MiB and two passes (OWASP Password Storage Cheat Sheet)."""
    monkeypatch.setattr(app, "testing", False)
    with app.app_context():
        assert passwords.hash_secret("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
