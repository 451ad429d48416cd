"""Database errors that are gone when the same request is done again: a lost connection, a deadlock."""

from __future__ import annotations

import psycopg
from flask import g, has_request_context, request
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from .connections import DatabaseSilent

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
TRIES_LEFT = "hms.tries_left"
"""In the WSGI environment: how often this request may be done again."""


def is_read() -> bool:
    """Whether the code runs for a request that only reads."""
    return has_request_context() and request.method in SAFE_METHODS


def is_conflict_of_transactions(error: DBAPIError) -> bool:
    """Whether the database gave this transaction up in favour of another one."""
    return isinstance(error.orig, (pg.DeadlockDetected, pg.SerializationFailure))


def is_lost_connection(error: DBAPIError) -> bool:
    """Whether the server closed the connection or could not be reached; not when it does not answer at all."""
    cause = error.orig
    if isinstance(cause, (DatabaseSilent, pg.ConnectionTimeout)) or not isinstance(cause, psycopg.OperationalError):
        return error.connection_invalidated and not isinstance(cause, DatabaseSilent)
    is_closed = cause.sqlstate is None or cause.sqlstate.startswith("08")
    return error.connection_invalidated or is_closed or cause.sqlstate in ("57P01", "57P02", "57P03")


def is_database_away(error: SQLAlchemyError) -> bool:
    """Whether there is no connection or the server does not answer; not when it refused a statement."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, (NoConnectionFree, PendingRollbackError))
    return isinstance(error.orig, (DatabaseSilent, pg.ConnectionTimeout)) or is_lost_connection(error)


def can_be_repeated(error: DBAPIError) -> bool:
    """Whether this request may be done again from its beginning.

    A read always. A write when nothing of it is committed: after a conflict nothing is; after a lost connection that is
    sure before the first write (a connection of the pool that was closed fails at the first statement), and with an
    idempotency key, which is committed together with the work.
    """
    if not has_request_context() or not request.environ.get(TRIES_LEFT):
        return False
    if request.method in SAFE_METHODS:
        return is_conflict_of_transactions(error) or is_lost_connection(error)
    if g.get("has_committed"):
        return False
    is_sure = g.get("has_key", False) or not g.get("has_written", True)
    return is_conflict_of_transactions(error) or (is_lost_connection(error) and is_sure)
