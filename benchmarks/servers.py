"""The benchmark's own database, queue, web server and worker, in the git-ignored `.local/bench`; no other data is touched.

The servers are those of `make run` with its settings: what is committed is flushed to the disk (fsync on), Valkey
appends to its file every second. What a killed run left behind, the next run stops and empties.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from hms.local import paths, processes
from hms.local.listen_address import Address
from hms.local.servers import ports
from hms.local.servers.postgres import Postgres
from hms.local.servers.servers import Servers
from hms.local.servers.shared_locks import try_lock
from hms.local.servers.valkey import Valkey
from hms.local.supervisor.child_process import Child
from hms.local.supervisor.main import WEB_PROCESS, flask_command

HOME = paths.ROOT / ".local" / "bench"
WEB_PROCESSES = 2
OPENS_WITHIN = 120


class Bench:
    """The running servers. `environment(database)` leads a program to one of its databases."""

    def __init__(self, home: Path, variables: dict[str, str]) -> None:
        self.home = home
        self.postgres = Postgres(home)
        self._variables = variables

    def environment(self, database: str, **more: str) -> dict[str, str]:
        """What a program needs to work on `database`. One proxy is trusted, so that each client has its own address."""
        given = {
            name: value for name, value in os.environ.items() if not name.startswith(("HMS_", "DATABASE", "REDIS"))
        }
        addresses = {
            "DATABASE_URL": self.postgres.application_url(database),
            "DATABASE_OWNER_URL": self.postgres.url(database),
        }
        return given | self._variables | addresses | {"HMS_TRUSTED_PROXIES": "1", "HMS_POOL_SIZE": "10"} | more

    def owners(self, database: str) -> dict[str, str]:
        """The same for a program that fills a database past its triggers."""
        return self.environment(database, DATABASE_URL=self.postgres.url(database))

    def copy_database(self, source: str, name: str) -> None:
        """Makes the database `name` as a copy of `source`, to which nobody may be connected."""
        with self.postgres.connect() as connection:
            connection.execute(sql.SQL("create database {} template {}").format(*map(sql.Identifier, (name, source))))

    def connect(self, database: str) -> psycopg.Connection:
        """A superuser's connection to `database`, outside transactions."""
        return psycopg.connect(self.postgres.url(database).replace("+psycopg", ""), autocommit=True)

    def empty_queue(self) -> None:
        """Forget the work that waits: it is of a hospital that is measured already."""
        with Valkey(self.home).connect() as queue:
            queue.flushall()

    def database_seconds(self) -> float:
        """Processor time of the database server and of its connections so far."""
        return _seconds(psutil.Process(self.postgres._pid()))


def _seconds(process: psutil.Process) -> float:
    """Processor time of a process and its living children; children that ended are not counted."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess, OSError):
            total += time.clock_gettime(_clock_of(one.pid))
    return total


def _clock_of(pid: int) -> int:
    """Linux' clock of another process's processor time (clock_getcpuclockid(3)), in nanoseconds; psutil's has a hundredth
    of a second."""
    return ~pid << 3 | 2


@contextlib.contextmanager
def running() -> Iterator[Bench]:
    """The benchmark's servers, empty, for the time of one run."""
    HOME.parent.mkdir(exist_ok=True)
    with try_lock(HOME.with_suffix(".lock")) as is_only_one:
        if not is_only_one:
            sys.exit("Another benchmark runs in this copy of the hospital. Wait for its end.")
        _clear()
        servers = Servers(HOME, {})
        try:
            yield Bench(HOME, servers.join())
        finally:
            servers.leave()
            _clear()


def _clear() -> None:
    """Stop what a killed run left, and remove its files."""
    if HOME.exists():
        Valkey(HOME).stop()
        Postgres(HOME).stop()
        shutil.rmtree(HOME, ignore_errors=True)


class Web:
    """A gunicorn with two gevent processes, as `make run` starts it."""

    def __init__(self, child: Child, address: Address) -> None:
        self._child, self.address = child, address

    @property
    def processes(self) -> list[psutil.Process]:
        """The processes that answer requests."""
        return psutil.Process(self._child._process.pid).children()

    def seconds(self) -> float:
        """Processor time of the processes that answer requests, so far."""
        return sum(_seconds(one) for one in self.processes)

    def memory(self) -> list[tuple[float, float]]:
        """(proportional share, resident size) in MiB of each process that answers requests."""
        found = [one.memory_full_info() for one in self.processes]
        return [(info.pss / 2**20, info.rss / 2**20) for info in found]


@contextlib.contextmanager
def web(bench: Bench, environment: dict[str, str], app: str = "wsgi:app", name: str = "web") -> Iterator[Web]:
    """The application `app`, open at a free port."""
    address = Address("127.0.0.1", ports.choose_port())
    command = [sys.executable, "-m", "gunicorn", "-k", "gevent", "-w", str(WEB_PROCESSES), "--graceful-timeout", "3"]
    command += ["--no-control-socket", "-b", address.bind, app]
    child = Child(name, command, environment | WEB_PROCESS, bench.home)
    child.start()
    try:
        if not processes.wait_until(lambda: address.answers("/api/health/") or child.exit_code(), OPENS_WITHIN):
            raise TimeoutError(f"{app} did not open; see {child.log}")
        if child.exit_code() is not None:
            raise RuntimeError(f"{app} ended at once:\n{paths.last_lines(child.log, 40)}")
        yield Web(child, address)
    finally:
        child.stop(wait_seconds=6)


@contextlib.contextmanager
def worker(bench: Bench, environment: dict[str, str]) -> Iterator[None]:
    """The worker that makes papers."""
    child = Child("worker", flask_command("work"), environment, bench.home)
    child.start()
    try:
        yield
    finally:
        child.stop(wait_seconds=20)


def run(bench: Bench, environment: dict[str, str], *command: str) -> None:
    """Runs one command to its end; raises with what it printed when it fails."""
    done = subprocess.run(
        [sys.executable, *command], cwd=paths.ROOT, env=environment, capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
