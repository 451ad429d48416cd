"""Cheap requests must not block other people: slow bodies and bursts of sign-ins, at a real web server."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from sqlalchemy import select

from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.permissions import Permission
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.core.web import request_bodies
from hms.local import processes
from hms.staff import request_user
from hms.staff.models import User
from tests import servers
from tests.apps import app_beside
from tests.browser.conftest import Served, opened
from tests.conftest import PASSWORD, ROLES, _worker_number, config_for

pytestmark = [pytest.mark.security("L"), pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS_TO_THE_DATABASE = 10
PATIENCE = 9
"""Seconds; less than a request waits for a connection to the database."""


@pytest.fixture(scope="module")
def hospital(template: str) -> Iterator[Served]:
    number = _worker_number()
    with opened(f"hms_stalls_{number}", template, servers.redis_url(50 + number)) as served:
        yield served


def _token(hospital: Served, username: str) -> str:
    with hospital.app.app_context():
        user = database.session.scalars(select(User).filter_by(username=username)).unique().one()
        token = request_user.access_token(user.id, user.token_version)
        database.session.remove()
    return token


def _begun(hospital: Served, path: str, *headers: str) -> socket.socket:
    """A POST whose head and first bytes are sent."""
    where = urlsplit(hospital.url)
    lines = [f"POST {path} HTTP/1.1", f"Host: {where.netloc}", *headers, "", ""]
    connection = socket.create_connection((where.hostname, where.port), timeout=PATIENCE)
    connection.sendall("\r\n".join(lines).encode())
    return connection


@pytest.mark.parametrize("path", ["/api/auth/", "/login", "/api/patients/", "/profile/photo", "/nothing-here"])
def test_a_body_in_chunks_is_refused_unread_and_the_connection_ends(hospital, path):
    with _begun(hospital, path, "Content-Type: application/json", "Transfer-Encoding: chunked") as connection:
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert b"Content-Length" in answer


@pytest.mark.parametrize("path", ["/api/auth/", "/login", "/api/patients/", "/profile/photo", "/csp-report"])
def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(hospital, path):
    with _begun(hospital, path, f"Content-Length: {request_bodies.MAX_BODY + 1}") as connection:
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 413 ")


def test_slow_bodies_keep_no_connection_to_the_database(hospital):
    cookie = hospital.cookie_of("receptionist")
    who = (
        f"Cookie: {cookie['name']}={cookie['value']}",
        f"Authorization: Bearer {_token(hospital, 'nurse')}",
        "X-None: ",
    )
    with ExitStack() as slow:
        for number in range(3 * CONNECTIONS_TO_THE_DATABASE):
            path = "/api/patients/" if number % 3 == 1 else "/patients/new"
            head = ("Content-Type: application/json", "Content-Length: 100", who[number % 3])
            slow.enter_context(_begun(hospital, path, *head)).sendall(b"{")
        headers = {"Authorization": f"Bearer {_token(hospital, 'doctor')}"}
        answers = [requests.get(f"{hospital.url}/api/users/me/", headers=headers, timeout=PATIENCE) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 12


def test_a_burst_of_sign_ins_is_answered_and_others_are_served_meanwhile(hospital, record_property):
    token = {"Authorization": f"Bearer {_token(hospital, 'doctor')}"}

    def sign_in(number: int) -> requests.Response:
        """Some names again and again: the attempts for one account wait for each other in the database."""
        sent = {"username": ROLES[number % len(ROLES)], "password": PASSWORD if number % 3 else "a wrong one"}
        return requests.post(f"{hospital.url}/api/auth/", json=sent, timeout=60)

    with ThreadPoolExecutor(100) as crowd:
        tries = [crowd.submit(sign_in, number) for number in range(100)]
        others = [requests.get(f"{hospital.url}/api/users/me/", headers=token, timeout=60) for _ in range(20)]
        answers = [one.result() for one in tries]
    assert [other.status_code for other in others] == [200] * 20
    counts = {status: [one.status_code for one in answers].count(status) for status in (200, 401, 429)}
    record_property("figure", f"burst: 100 sign-ins at once: {counts} (nothing else)")
    assert sum(counts.values()) == 100, {one.status_code for one in answers}
    assert counts[200]
    assert all(int(one.headers["Retry-After"]) >= 1 for one in answers if one.status_code == 429)


def test_a_shift_that_signs_in_at_once_behind_one_address_gets_in(hospital):
    def sign_in(username: str) -> int:
        sent = {"username": username, "password": PASSWORD}
        return requests.post(f"{hospital.url}/api/auth/", json=sent, timeout=60).status_code

    shift = [name for name in ROLES if name != "admin"]
    with ThreadPoolExecutor(len(shift)) as crowd:
        assert list(crowd.map(sign_in, shift)) == [200] * len(shift)


def test_a_burst_of_wishes_for_an_account_is_answered_too(hospital):
    with hospital.app.app_context(), action_context("tests.seed", SYSTEM):
        settings.change_setting("staff.registration_open", True, by=SYSTEM)
    assert processes.wait_until(lambda: requests.get(f"{hospital.url}/register", timeout=PATIENCE).ok, 60)

    def register(number: int) -> requests.Response:
        sent = {"username": f"newcomer{number}", "last_name": "New", "password": "kettle ladder violin moss"}
        return requests.post(f"{hospital.url}/api/register/", json=sent, timeout=60)

    with ThreadPoolExecutor(40) as crowd:
        answers = [one.status_code for one in crowd.map(register, range(40))]
    assert set(answers) <= {201, 429}
    assert 201 in answers


@pytest.fixture
def busy(template: str) -> Iterator[Flask]:
    """An application all of whose connections are in use."""
    name = f"hms_busy_{_worker_number()}"
    url = servers.create_database(name, template)
    app = app_beside(config_for(url, 60, pool_size=1, pool_timeout=0.05))
    try:
        with app.app_context(), database.engine.connect():
            yield app
    finally:
        with app.app_context():
            database.engine.dispose()
        servers.drop_database(name)


def test_without_a_free_connection_the_answer_is_503_and_when_to_come_again(busy):
    for path in ("/login", "/profile", "/api/users/me/", "/api/patients/"):
        answer = _asked(busy, path)
        assert (answer.status_code, answer.is_json) == (503, path.startswith("/api/")), path
        assert int(answer.headers["Retry-After"]) > 0


TOO_LARGE = {"data": b"x" * (request_bodies.MAX_BODY + 1), "content_type": "application/json"}
CHUNKED = {"headers": {"Transfer-Encoding": "chunked"}}


def test_what_is_refused_before_anybody_is_known_needs_no_connection(busy):
    for prefix, write in (("", "/profile"), ("/api", "/api/patients/")):
        for status, method, path, more in (
            (404, "GET", "/nothing-here", {}),
            (405, "PATCH", "/profile" if not prefix else "/users/me/", {}),
            (411, "POST", write.removeprefix(prefix), CHUNKED),
            (413, "POST", write.removeprefix(prefix), TOO_LARGE),
        ):
            answer = _asked(busy, f"{prefix}{path}", method, **more)
            assert (answer.status_code, answer.is_json) == (status, bool(prefix)), (path, answer.text[:300])


def _asked(app: Flask, path: str, method: str = "GET", **more: object):
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["sid"] = "somebody's"
    return client.open(path, method=method, **more)


def test_nginx_and_the_programs_agree_about_bodies():
    nginx = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    assert re.findall(r"client_max_body_size\s+(\S+);", nginx) == [f"{request_bodies.MAX_BODY // 2**20}m"]
    assert int(re.search(r"client_body_timeout\s+(\d+)s;", nginx)[1]) <= request_bodies.READ_WITHIN_SECONDS
    assert "proxy_request_buffering on;" in nginx


def test_no_route_takes_more_than_nginx_lets_through_and_a_stranger_less(app):
    limits = {name: request_bodies.body_limit(view) for name, view in app.view_functions.items()}
    assert max(limits.values()) == request_bodies.MAX_BODY
    public = [name for name, view in app.view_functions.items() if getattr(view, "needs", None) is Permission.PUBLIC]
    assert max(limits[name] for name in public) == request_bodies.MAX_PUBLIC_BODY
