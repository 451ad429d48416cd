"""The test hospital: real PostgreSQL and Valkey, one account of every role, clients that check every page they fetch."""

from __future__ import annotations

import os

os.environ["HMS_FAST_PASSWORDS"] = "1"

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from flask import Flask, g
from flask_migrate import upgrade
from sqlalchemy import select, text

from config import Config
from hms import create_app
from hms.core.actions import action_context
from hms.core.audit import denials
from hms.core.db.session import db as database
from hms.core.errors import DomainError
from hms.core.permissions import Role
from hms.core.person import SYSTEM, Person
from hms.core.settings import store as settings
from hms.local.servers.postgres import APPLICATION
from hms.staff import request_user
from hms.staff.accounts import actions as account_actions
from hms.staff.models import User
from hms.staff.roles import actions as role_actions
from hms.staff.sign_in.authentication import AuthenticatedAccount, open_session
from tests import morning_timezone, servers
from tests.apps import app_beside
from tests.concurrency import at_once
from tests.page import PageClient

morning_timezone.set_timezone()

pytest_plugins = ["tests.loud_skips", "tests.security_table", "tests.demo_hospital"]

PASSWORD = "hospital-demo-2026"
TEMPLATE = "hms_template"
ROLES = tuple(role.value for role in Role)


def key_of(name: str) -> str:
    """A key of the test hospital: the same in every run, and as good as a real one."""
    return hashlib.sha256(name.encode()).hexdigest()


def config_for(url: str, redis_number: int = 0, **more: object) -> Config:
    """A test installation on the database whose owner's address is `url`; it works with the application's rights."""
    keys = {name: key_of(name) for name in ("secret_key", "jwt_secret_key", "audit_key")}
    data_dir = Path(servers.HOME) / "data"
    addresses = {"database_url": servers.application_url(url.rpartition("/")[2]), "database_owner_url": url}
    place = {"data_dir": data_dir, "timezone": os.environ["HMS_TIMEZONE"], "testing": True}
    settings_ = {"redis_url": servers.redis_url(redis_number), "totp_keys": (key_of("totp"),)}
    return Config(**{**addresses, **place, **keys, **settings_, **more})


def _worker_number() -> int:
    name = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    return int(name.removeprefix("gw"))


@pytest.fixture(scope="session")
def template() -> str:
    """The name of a migrated database with roles and one account per role, made once per run."""
    marker = Path(servers.HOME) / f"template-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
    servers.start()
    with FileLock(str(Path(servers.HOME) / "template.lock")):
        if not marker.exists():
            _make_template()
            marker.touch()
    return TEMPLATE


def _make_template() -> None:
    app = create_app(config_for(servers.create_database(TEMPLATE)))
    with app.app_context():
        upgrade()
        with action_context("tests.seed", SYSTEM):
            role_actions.install_roles(by=SYSTEM)
            for role in ROLES:
                account_actions.add_user(username=role, role=role, password=PASSWORD, last_name=role.title(), by=SYSTEM)
            account_actions.add_user(username="norole", role=None, password=PASSWORD, by=SYSTEM)
        database.session.remove()
        database.engine.dispose()


@pytest.fixture(scope="session")
def app(template: str) -> Iterator[Flask]:
    """The application on this worker's own copy of the template; every test rolls back what it did."""
    number = _worker_number()
    url = servers.create_database(f"hms_test_{number}", template)
    app = create_app(config_for(url, number, database_url=url))
    app.config["PROPAGATE_FAULTS"] = True
    yield app
    with app.app_context():
        database.engine.dispose()


@pytest.fixture
def db(app: Flask) -> Iterator[object]:
    """The session of this test. Commits are savepoints, and all is rolled back at the end.

    It works with the application's rights; a test that must do what only an owner can begins with `RESET ROLE`.
    """
    with app.app_context():
        engines = database._app_engines[app]
        engine = engines[None]
        with engine.connect() as connection:
            outer = connection.begin()
            connection.execute(text(f"SET ROLE {APPLICATION}"))
            engines[None] = connection
            database.session.remove()
            database.session.configure(join_transaction_mode="create_savepoint")
            settings.clear_cache()
            yield database
            database.session.remove()
            outer.rollback()
            engines[None] = engine
            settings.clear_cache()


@pytest.fixture
def person(db: object) -> Callable[[str], Person]:
    """`person("doctor")`: the test hospital's person of that role, to act with."""

    def of(username: str) -> Person:
        user_id = database.session.scalars(select(User.id).filter_by(username=username)).one()
        return request_user.load_active_person(user_id)

    return of


@pytest.fixture
def seeding(db: object) -> Iterator[None]:
    """Let a test write rows as the system, in one action."""
    with action_context("tests.seed", SYSTEM):
        yield


@pytest.fixture
def desk(app: Flask, db: object) -> Callable[[str | None], PageClient]:
    """`desk("cashier")`: a browser signed in as that person, which checks every page it fetches. `desk(None)` is signed out."""

    def at(username: str | None) -> PageClient:
        client = PageClient(app)
        if username:
            with app.test_request_context():
                user = database.session.scalars(select(User).filter_by(username=username)).unique().one()
                sid = open_session(AuthenticatedAccount(user.id, user.token_version))
            with client.session_transaction() as cookie:
                cookie["sid"] = sid
        return client

    return at


@pytest.fixture
def program(app: Flask, db: object) -> Callable[[str | None], PageClient]:
    """`program("doctor")`: an API client with that person's Bearer token."""

    def of(username: str | None) -> PageClient:
        client = PageClient(app)
        if username:
            user = database.session.scalars(select(User).filter_by(username=username)).unique().one()
            token = request_user.access_token(user.id, user.token_version)
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    return of


@contextmanager
def own_application(name: str, template: str | None = None, **options: Any) -> Iterator[Flask]:
    """An application on a database `name` of its own, where commits are real; `options` as `config_for` takes them.
    Without `template` the database is empty."""
    app = app_beside(config_for(servers.create_database(name, template), **options))
    with app.app_context():
        settings.clear_cache()
        try:
            yield app
        finally:
            database.session.remove()
            database.engine.dispose()
    servers.drop_database(name)


@pytest.fixture
def real_app(template: str) -> Iterator[Flask]:
    """An application on a database of its own where commits are real: for tests with several connections at once."""
    number = _worker_number()
    with own_application(f"hms_real_{number}", template, redis_number=20 + number, pool_size=24) as app:
        yield app


@pytest.fixture
def in_parallel(real_app: Flask) -> Callable[[list[Callable[[], Any]]], list[Any]]:
    """Runs every task with a connection of its own, all starting at the same moment; a refusal is its result."""

    def run(tasks: list[Callable[[], Any]]) -> list[Any]:
        def act(number: int) -> Any:
            with real_app.app_context():
                try:
                    return tasks[number]()
                except DomainError as refused:
                    return refused
                finally:
                    database.session.remove()

        return at_once(len(tasks), act)

    return run


@pytest.fixture(autouse=True)
def _fresh_request() -> Iterator[None]:
    """Clear what is stored for one request, so that the next test does not see it."""
    denials.reset_throttle()
    yield
    if g:
        for name in list(g):
            g.pop(name, None)
