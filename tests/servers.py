"""The test suite's own PostgreSQL and Valkey, in the git-ignored `.local/test`.

They are always embedded: `DATABASE_URL` and `REDIS_URL` are not read, so that no test run can change the data of a
real hospital. All workers of a run share one pair of servers; the last worker stops it. The next run takes over and
empties what a killed run left.
"""

from __future__ import annotations

import atexit
import functools
import os
from pathlib import Path

import redis
from psycopg import sql

from hms.local.servers.postgres import NOT_DURABLE, Postgres
from hms.local.servers.shared_locks import SharedUse
from hms.local.servers.valkey import Valkey

HOME = Path(__file__).resolve().parents[1] / ".local" / "test"


@functools.cache
def start(home: Path = HOME) -> tuple[Postgres, Valkey]:
    """The running servers; started, or shared with the worker that started them. Left at the end of the program."""
    postgres, valkey = Postgres(home, NOT_DURABLE), Valkey(home, is_durable=False)
    users = SharedUse(home)

    def begin(is_alone: bool) -> None:
        postgres.start()
        postgres.ensure_application()
        valkey.start()
        if is_alone:
            _empty(postgres, valkey)

    def end(pid: int) -> None:
        if pid == os.getpid():
            users.leave(lambda: (valkey.stop(), postgres.stop()))

    users.join(begin)
    atexit.register(end, os.getpid())
    return postgres, valkey


def postgres_url(database: str) -> str:
    """The SQLAlchemy address of `database` on the test server."""
    return start()[0].url(database)


def application_url(database: str) -> str:
    """The address of `database` for the programs, which have fewer rights than the owner."""
    return start()[0].application_url(database)


def redis_url(number: int = 0) -> str:
    """The address of the numbered database (0 to 63) on the test server."""
    return start()[1].url(number)


def create_database(name: str, template: str | None = None) -> str:
    """Makes the database `name` afresh, as a copy of `template` when given (35 ms), and returns its address."""
    drop_database(name)
    # Copying files beats writing a log of every page on a server that may forget.
    command = sql.SQL("create database {} template {} strategy file_copy")
    with start()[0].connect() as connection:
        connection.execute(command.format(sql.Identifier(name), sql.Identifier(template or "template1")))
    return postgres_url(name)


def drop_database(name: str) -> None:
    """Drops the database `name` if there is one, with whatever is still connected to it."""
    with start()[0].connect() as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _empty(postgres: Postgres, valkey: Valkey) -> None:
    with postgres.connect() as connection:
        names = connection.execute("select datname from pg_database where not datistemplate and datname <> 'postgres'")
        for (name,) in names.fetchall():
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
    with redis.Redis.from_url(valkey.url()) as client:
        client.flushall()
