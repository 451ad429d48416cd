"""A database that is gone, frozen, full or in a deadlock: a 503 in words within seconds, or the same request once more."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
import requests
from flask import request
from sqlalchemy import event, select, text, update

from hms.core import clock, disk_space, seldom_log
from hms.core.actions import action, action_context
from hms.core.audit import denials
from hms.core.background import outbox, scheduler
from hms.core.background.scheduler import Scheduler
from hms.core.db.session import db as database
from hms.core.permissions import Permission
from hms.core.person import SYSTEM
from hms.core.web.guard import current_person, requires
from hms.local import processes
from hms.patients.models import Patient
from hms.staff import request_user
from hms.staff.models import User, UserSession
from tests import servers
from tests.billing import factories
from tests.browser.conftest import Served, opened
from tests.catalogues import offered
from tests.conftest import PASSWORD, _worker_number
from tests.page import PageClient
from tests.relay import Relay, relayed

SERVER_ERRORS = range(500, 600)


def url_of_owner() -> str:
    return servers.postgres_url(database.engine.url.database).replace("+psycopg", "")


@contextmanager
def listening(name: str, function: Callable[..., None]) -> Iterator[None]:
    """Call `function` at each event `name` of the database engine."""
    event.listen(database.engine, name, function)
    try:
        yield
    finally:
        event.remove(database.engine, name, function)


def close_connections() -> None:
    """Close every connection of the application, as `kill -9` of their processes or a restart does."""
    name = database.engine.url.database
    with psycopg.connect(servers.postgres_url("postgres").replace("+psycopg", ""), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])


@contextmanager
def without_database() -> Iterator[None]:
    """The application has no connection and gets none in this block."""
    name = database.engine.url.database
    database.session.remove()
    with psycopg.connect(servers.postgres_url("postgres").replace("+psycopg", ""), autocommit=True) as other:
        other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            close_connections()
            yield
        finally:
            other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


@pytest.fixture
def admin(real_app) -> PageClient:
    client = PageClient(real_app)
    assert client.form("/login", username="admin", password=PASSWORD).status_code == 303
    return client


def test_a_read_whose_connection_is_closed_in_between_is_done_again(real_app, admin):
    """The connection ends before the first, the second … statement of the page."""
    for path in ("/patients/", "/api/patients/", "/", "/admin/", "/api/audit-logs/"):
        admin.get(path)
        for statement in range(1, 6):
            left = [statement]

            def close_once(*_values, left=left):
                left[0] -= 1
                if left[0] == 0:
                    close_connections()

            with listening("before_cursor_execute", close_once):
                answer = admin.get(path)
            assert answer.status_code == 200, (path, statement)


def test_a_read_whose_connection_is_closed_after_its_last_statement_is_answered(real_app, admin):
    """Its response is complete: the transaction that only read needs no end."""
    for path in ("/patients/", "/api/patients/", "/admin/"):
        ends: list[bool] = []

        def close_at_end(_connection, ends=ends):
            ends.append(True)
            close_connections()

        with listening("commit", close_at_end):
            answer = admin.get(path)
        assert (answer.status_code, ends) == (200, [True]), path
        assert admin.get(path).status_code == 200, path


def test_a_refusal_whose_connection_is_closed_in_between_is_no_server_error(real_app):
    """The refusal itself writes an entry, or keeps the form of somebody whose session ended."""
    nurse, locked = PageClient(real_app), PageClient(real_app)
    for client, name in ((nurse, "nurse"), (locked, "doctor")):
        assert client.form("/login", username=name, password=PASSWORD).status_code == 303
    database.session.execute(
        update(UserSession).where(UserSession.user_id == doctor_id()).values(locked_at=clock.now())
    )
    database.session.commit()
    refused = [
        (403, lambda: nurse.get("/admin/")),
        (403, lambda: nurse.get("/api/audit-logs/")),
        (400, lambda: nurse.get("/api/patients/?nonsense=1")),
        (404, lambda: nurse.get("/nothing-here")),
        (303, lambda: locked.post("/patients/new", data={"first_name": "Jane"})),
    ]
    for status, send in refused:
        denials.reset_throttle()
        for moment in ("before_cursor_execute", "commit", "rollback"):
            for statement in range(1, 4):
                left = [statement]

                def close_once(*_values, left=left):
                    left[0] -= 1
                    if left[0] == 0:
                        close_connections()

                database.session.remove()
                with listening(moment, close_once):
                    answer = send()
                assert answer.status_code in (status, 302, 503), (status, moment, statement, answer.status_code)


def doctor_id() -> int:
    return database.session.scalars(select(User.id).filter_by(username="doctor")).one()


def test_a_write_whose_connection_was_closed_is_done_again_when_nothing_can_be_saved_yet(real_app):
    user = database.session.scalars(select(User).filter_by(username="receptionist")).unique().one()
    token = {"Authorization": f"Bearer {request_user.access_token(user.id, user.token_version)}"}
    client = PageClient(real_app)

    def register(name: str, moment: str, **headers: str) -> int:
        left = [True]

        def close_once(*_values):
            if left and left.pop():
                close_connections()

        body = {"first_name": name, "last_name": "Kamara", "gender": "F", "date_of_birth": "1990-05-01"}
        database.session.remove()
        with listening(moment, close_once):
            return client.post("/api/patients/", json=body, headers=token | headers).status_code

    assert register("Jane", "before_cursor_execute") == 201
    assert register("Fatu", "before_cursor_execute", **{"Idempotency-Key": "one"}) == 201
    assert register("Mary", "commit", **{"Idempotency-Key": "two"}) == 201
    assert register("Hawa", "commit") == 503, "without a key it may have been saved"
    names = database.session.scalars(select(Patient.given_names).order_by(Patient.id)).all()
    assert names == ["Jane", "Fatu", "Mary"]


@action(Permission.SIGNED_IN, "tests.deadlock")
def fail_in_deadlock(tries: int, *, by):
    """Every try is refused as PostgreSQL refuses the victim of a deadlock, until enough were made."""
    request.environ["tests.tries"] = request.environ.get("tests.tries", 0) + 1
    if request.environ["tests.tries"] < tries:
        database.session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$"))
    return request.environ["tests.tries"]


@pytest.fixture
def deadlocks(real_app) -> PageClient:
    @requires(Permission.SIGNED_IN)
    def view(tries: int) -> str:
        return f"{fail_in_deadlock(tries, by=current_person())} {request.get_json()['word']}"

    real_app._got_first_request = False
    real_app.add_url_rule("/api/tests/deadlock/<int:tries>", "tests.deadlock", view, methods=["POST"])
    client = PageClient(real_app)
    user = database.session.scalars(select(User).filter_by(username="doctor")).unique().one()
    token = request_user.access_token(user.id, user.token_version)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def test_an_action_in_a_deadlock_is_done_again_up_to_three_times(deadlocks):
    for headers in ({}, {"Idempotency-Key": "k"}):
        answer = deadlocks.post("/api/tests/deadlock/3", json={"word": "same body"}, headers=headers)
        assert (answer.status_code, answer.text) == (200, "3 same body")
    refused = deadlocks.post("/api/tests/deadlock/4", json={"word": "x"})
    assert (refused.status_code, refused.json["code"]) == (409, "busy")


def test_a_read_that_waits_for_a_lock_is_no_conflict(real_app, admin):
    with psycopg.connect(url_of_owner()) as other:
        other.execute("LOCK TABLE patient, audit_entry IN ACCESS EXCLUSIVE MODE")
        for path in ("/patients/", "/api/patients/"):
            assert admin.get(path).status_code == 503, path


def test_a_full_disk_is_said_in_words_and_shown_in_health(real_app, admin, monkeypatch):
    with psycopg.connect(url_of_owner(), autocommit=True) as owner:
        owner.execute("""
            CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
            CREATE TRIGGER no_space BEFORE INSERT ON patient FOR EACH ROW EXECUTE FUNCTION no_space()""")
    user = database.session.scalars(select(User).filter_by(username="receptionist")).unique().one()
    token = {"Authorization": f"Bearer {request_user.access_token(user.id, user.token_version)}"}
    stranger = PageClient(real_app)
    jane = {"first_name": "Jane", "last_name": "Kamara", "gender": "F", "date_of_birth": "1990-05-01"}
    answer = stranger.post("/api/patients/", json=jane, headers=token)
    assert answer.status_code == 503
    assert "disk" in answer.json["detail"]
    assert answer.json["code"] == "disk_full"
    assert stranger.get("/api/health/").json["disk"] == "full"
    assert admin.get("/api/health/").json["status"] == "degraded"
    assert "full" in admin.get("/admin/").get_data(as_text=True)
    monkeypatch.setattr(disk_space, "_last_failure", None)
    assert stranger.get("/api/health/").json == {"status": "ok", "database": "ok"}
    assert admin.get("/api/health/").json["disk"] == "ok"


@pytest.fixture
def swahili(real_app, tmp_path):
    """Pages are offered in Swahili."""
    with offered(real_app, tmp_path, "sw", {"Patients": "Wagonjwa"}):
        yield


@pytest.mark.usefixtures("swahili")
def test_a_missing_database_is_logged_once_and_answered_in_the_readers_language(real_app, admin, caplog):
    with psycopg.connect(url_of_owner(), autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")  # without the audit trail's triggers
        owner.execute("UPDATE app_user SET language = 'sw' WHERE username = 'admin'")
    assert 'lang="sw"' in admin.get("/profile").get_data(as_text=True)
    seldom_log._last_logged.clear()
    with without_database():
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            pages = [admin.get(path) for path in ("/", "/profile", "/patients/", "/admin/", "/billing/")]
            calls = [admin.get(path) for path in ("/api/users/me/", "/api/patients/", "/api/health/")]
            sent = admin.post("/profile", data={"phone": "076 123456"})
    assert {page.status_code for page in [*pages, *calls, sent]} == {503}
    assert all('<html lang="sw"' in page.get_data(as_text=True) for page in pages)
    assert "076 123456" in sent.get_data(as_text=True)
    assert len([line for line in caplog.records if line.levelno >= logging.WARNING]) <= 2
    assert not [line for line in caplog.records if line.exc_info]


@pytest.mark.usefixtures("real_app")
def test_the_worker_without_the_database_says_so_in_one_line_and_loses_nothing(caplog, monkeypatch):
    done: list[int] = []
    monkeypatch.setitem(outbox._JOBS, "tests.count", done.append)
    with action_context("tests.ask", SYSTEM):
        outbox.enqueue("tests.count", 7)
    seldom_log._last_logged.clear()
    with without_database(), caplog.at_level(logging.WARNING):
        assert outbox.run_due() == 0
    assert [bool(line.exc_info) for line in caplog.records if line.name == outbox.__name__] == [False]
    assert (outbox.run_due(), done) == (1, [7])


class ImpatientScheduler(Scheduler):
    """Stops at its fifth try."""

    tries = 0

    def _run_while_locked(self) -> None:
        self.tries += 1
        if self.tries == 5:
            self.stop()
        super()._run_while_locked()


@pytest.mark.usefixtures("real_app")
def test_the_clock_says_once_that_the_database_is_missing(caplog, monkeypatch):
    monkeypatch.setattr(scheduler, "RETRY_SECONDS", 0)
    monkeypatch.setattr(scheduler.signal, "signal", lambda *_handler: None)  # the handlers of the tests stay
    seldom_log._last_logged.clear()
    with without_database(), caplog.at_level(logging.WARNING):
        impatient = ImpatientScheduler([])
        impatient.run()
    assert impatient.tries == 5
    assert len([line for line in caplog.records if line.name == scheduler.__name__]) == 1


@dataclass(frozen=True)
class Relayed:
    """A hospital whose web server reaches database and queue by way of relays."""

    served: Served
    database: Relay
    queue: Relay

    def cookies(self, username: str) -> dict[str, str]:
        cookie = self.served.cookie_of(username)
        return {cookie["name"]: cookie["value"]}

    def token(self, username: str) -> dict[str, str]:
        with self.served.app.app_context():
            user = database.session.scalars(select(User).filter_by(username=username)).unique().one()
            return {"Authorization": f"Bearer {request_user.access_token(user.id, user.token_version)}"}


@pytest.fixture(scope="module")
def hospital(template: str) -> Iterator[Relayed]:
    name, redis_url = f"hms_faults_{_worker_number()}", servers.redis_url(40 + _worker_number())
    with relayed(servers.application_url(name)) as (database_url, database_relay), relayed(redis_url) as (url, queue):
        variables = {"DATABASE_URL": database_url, "REDIS_URL": url}
        with opened(name, template, redis_url, variables=variables) as served:
            yield Relayed(served, database_relay, queue)


@pytest.mark.slow
def test_a_frozen_database_ends_a_request_within_five_seconds(hospital):
    cookies = hospital.cookies("admin")
    paths = ("/patients/", "/", "/api/patients/", "/api/users/me/", "/admin/", "/profile") * 3

    def fetch(path: str) -> tuple[int, float]:
        started = time.monotonic()
        status = requests.get(hospital.served.url + path, cookies=cookies, timeout=30).status_code
        return status, time.monotonic() - started

    assert {fetch(path)[0] for path in paths} == {200}
    with hospital.database.frozen(), ThreadPoolExecutor(len(paths)) as crowd:
        answers = [*crowd.map(fetch, paths)] + [fetch(path) for path in paths[:3]]
    assert {status for status, _seconds in answers} == {503}
    assert max(seconds for _status, seconds in answers) < 5, answers
    assert processes.wait_until(lambda: fetch("/patients/")[0] == 200, 20)


@pytest.mark.slow
def test_a_frozen_queue_makes_no_payment_wait(hospital):
    """Its answer is sent before anything is published, and each try to publish ends within half a second."""
    with hospital.served.app.app_context():
        bills = [factories.draft(factories.patient().id, "10.00").id for _ in range(4)]
        database.session.remove()
    token, admin = hospital.token("cashier"), hospital.token("admin")
    url = f"{hospital.served.url}/api"
    for bill in bills:
        issued = requests.post(f"{url}/bills/{bill}/issue/", headers=admin, timeout=30)
        assert issued.status_code in (200, 404), issued.text

    def pay(bill: int) -> float:
        body, started = {"bill": bill, "amount": "10.00", "method": "Card"}, time.monotonic()
        answer = requests.post(f"{url}/payments/", json=body, headers=token, timeout=60)
        assert answer.status_code == 201, answer.text
        return time.monotonic() - started

    usual = pay(bills[0])
    with hospital.queue.frozen():
        waited = [pay(bill) for bill in bills[1:]]
    assert max(waited) < usual + 1, (usual, waited)
