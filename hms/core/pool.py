"""The connections to the database: one that rested is asked whether the server is still there before it is used."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import Pool

TRUSTED_FOR = 2.0


@event.listens_for(Pool, "checkin")
def _note_use(connection: Any, record: Any) -> None:
    record.info["used_at"] = time.monotonic()
    if connection is not None and connection.autocommit and not connection.closed:
        connection.autocommit = False


def without_transactions(connection: Connection, *, are_spared: bool) -> None:
    """Let what is asked on this connection from now on stand for itself, or be in a transaction again. One that has begun
    goes on."""
    driver: Any = connection.connection.dbapi_connection
    if driver.pgconn.transaction_status == TransactionStatus.IDLE:
        driver.autocommit = are_spared


@event.listens_for(Pool, "checkout")
def _ask_whether_it_lives(connection: Any, record: Any, _proxy: Any) -> None:
    """Ask a connection that rested for a while whether the server is still there; one used a moment ago is trusted.

    Asking each time would be a sixth of a short request's cost. Once one connection is found dead, all of its age are.
    """
    if connection is None or time.monotonic() - record.info.get("used_at", time.monotonic()) < TRUSTED_FOR:
        return
    try:
        connection.autocommit = True
        connection.execute("")
        connection.autocommit = False
    except psycopg.Error as gone:
        raise InvalidatePoolError from gone
