"""Connections to the database that never keep a request waiting for a server that does not answer.

A server that is gone refuses or resets the connection at once. One that is frozen, or behind a broken network, does
neither: its own `statement_timeout` does not run, and the system acknowledges what is sent to it. So the program itself
limits how long a request waits (`Connection.wait` of psycopg).
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import psycopg
from flask import has_request_context
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import Pool

from config import Config

CONNECT_SECONDS = 2
FRESH_SECONDS = 1.0
"""A connection of the pool that answered this long ago is used without testing it."""
TEST_SECONDS = 1.5
"""How long a connection of the pool may take to answer the test."""
STATEMENT_SECONDS = 4
"""After this time the server itself ends a statement."""
ANSWER_SECONDS = STATEMENT_SECONDS + 0.5
POLL_SECONDS = 0.1
LONGEST_POLL = 0.4
PAUSE_SECONDS = 1.0
"""How long other requests fail at once, after one found that the server does not answer."""
_silent_until = 0.0


class DatabaseSilent(psycopg.OperationalError):
    """The database does not answer in time."""


def engine_options(config: Config) -> dict[str, object]:
    """Options of the database engine. Timeouts end a page's wait for a lock or a slow query; database times are UTC."""
    options = f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout=3s"
    options += " -c idle_in_transaction_session_timeout=30s -c timezone=UTC -c jit=off"
    return {
        "pool_size": config.pool_size,
        "max_overflow": 0,
        "pool_timeout": config.pool_timeout,
        "pool_use_lifo": True,
        "hide_parameters": True,
        "connect_args": {
            "options": options,
            "connect_timeout": CONNECT_SECONDS,
            "keepalives_idle": 10,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": int(ANSWER_SECONDS * 1000),
            "prepare_threshold": 3,
        },
    }


class LimitedConnection(psycopg.Connection[Any]):
    """A connection on which a request waits at most `ANSWER_SECONDS` for the server's next answer, then closes it."""

    answered_at = 0.0
    """When the server last answered (`time.monotonic`)."""
    is_being_tested = False

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """Wait for the answer; raises `DatabaseSilent` when none comes in time, in a request only."""
        if not has_request_context():
            result = super().wait(gen, *args, **kwargs)
        else:
            try:
                result = super().wait(_limited(gen, self._longest_silence()), POLL_SECONDS)
            except DatabaseSilent:
                self.close()
                raise
        self.answered_at = time.monotonic()
        return result

    def _longest_silence(self) -> float:
        if not self.is_being_tested:
            return ANSWER_SECONDS
        return POLL_SECONDS if is_silent() else TEST_SECONDS

    def test(self) -> None:
        """Ask the server for an answer; raises `psycopg.OperationalError` when the connection is lost.

        Ends with COMMIT: after a ROLLBACK psycopg discards the prepared statements of the connection.
        """
        self.is_being_tested = True
        try:
            self.execute("SELECT 1")
            self.commit()
        finally:
            self.is_being_tested = False


def is_silent() -> bool:
    """Whether the server was found not to answer a moment ago."""
    return time.monotonic() < _silent_until


def _note_silence() -> None:
    global _silent_until
    _silent_until = time.monotonic() + PAUSE_SECONDS


def _limited(gen: Generator[Any, Any, Any], seconds: float) -> Generator[Any, Any, Any]:
    """`gen`, ended with `DatabaseSilent` after `seconds` without an answer.

    Of each poll at most `LONGEST_POLL` counts: a process that was busy for long finds the answer waiting at the next poll.
    """
    silence, polled_at = 0.0, time.monotonic()
    try:
        waits_for = next(gen)
        while True:
            ready = yield waits_for
            now = time.monotonic()
            silence = 0.0 if ready else silence + min(now - polled_at, LONGEST_POLL)
            polled_at = now
            if silence >= seconds:
                _note_silence()
                raise DatabaseSilent("the database does not answer")
            waits_for = gen.send(ready)
    except StopIteration as done:
        return done.value


@event.listens_for(Engine, "do_connect")
def _connect(dialect: Any, _record: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Open a limited connection; in a request fail at once while the server is known not to answer."""
    if dialect.driver != "psycopg":
        return None
    if has_request_context() and is_silent():
        raise DatabaseSilent("the database does not answer")
    try:
        connection = LimitedConnection.connect(*arguments, **options)
    except psycopg.errors.ConnectionTimeout:
        _note_silence()
        raise
    connection.answered_at = time.monotonic()
    return connection


@event.listens_for(Pool, "checkout")
def _test_idle_connection(connection: Any, _record: Any, _proxy: Any) -> None:
    """Test a connection that was idle; SQLAlchemy replaces it when it is lost.

    `pool_pre_ping` tests a connection at each use, which costs a tenth of a short request. A connection lost while it is
    fresh fails at its first statement, and the request is done again (`transient_errors`).
    """
    if isinstance(connection, LimitedConnection) and time.monotonic() - connection.answered_at >= FRESH_SECONDS:
        try:
            connection.test()
        except psycopg.OperationalError as lost:
            raise DisconnectionError from lost
