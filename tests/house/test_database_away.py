"""Without the database every address responds with 503 and a message, for everybody."""

from __future__ import annotations

import dataclasses

import psycopg
import pytest

from hms.core.db.session import db as database
from hms.staff.request_user import access_token
from tests import servers
from tests.apps import app_beside
from tests.conftest import PASSWORD, config_for
from tests.page import PageClient

pytestmark = pytest.mark.security("L")
PATHS = ("/", "/login", "/profile", "/patients/", "/register", "/api/users/me/", "/api/patients/", "/api/audit-logs/")


def test_without_a_database_the_answer_is_503_and_when_to_come_again():
    nowhere = "postgresql+psycopg://hms@127.0.0.1:1/hms"
    usual = config_for(servers.postgres_url("postgres"), 60)
    app = app_beside(dataclasses.replace(usual, database_url=nowhere, database_owner_url=nowhere, testing=False))
    with app.app_context():
        token = access_token(1, 1)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["sid"] = "somebody's"
    asked = [client.get(path) for path in PATHS]
    asked += [
        app.test_client().get(path, headers={"Authorization": f"Bearer {token}"}) for path in PATHS if "api" in path
    ]
    asked.append(app.test_client().post("/api/auth/", json={"username": "doctor", "password": "a wrong one"}))
    asked.append(client.get("/patients/", headers={"Accept-Language": "fr"}))
    told = {(answer.request.path, answer.status_code) for answer in asked}
    assert {status for path, status in told if path not in ("/", "/login")} == {503}, told
    assert not {status for _path, status in told} - {200, 302, 503}, told
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in asked if answer.status_code == 503)


def test_a_request_whose_connection_is_lost_is_answered(real_app):
    client = PageClient(real_app)
    assert client.form("/login", username="doctor", password=PASSWORD).status_code == 303
    server = servers.postgres_url("postgres").replace("+psycopg", "")
    name = database.engine.url.database
    for path in ("/profile", "/patients/", "/api/patients/", "/"):
        assert client.get("/profile").status_code == 200
        database.session.remove()
        with psycopg.connect(server, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        assert client.get(path).status_code in (200, 503), path
