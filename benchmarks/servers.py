"""The benchmark's own database, queue, web server and worker, in `.local/bench`; no other data is used.

The servers have the settings of `make run`: PostgreSQL flushes each commit to the disk (fsync), Valkey appends to its file
every second. A run first stops and deletes what an interrupted run left.
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
from rq import Worker

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
START_SECONDS = 120


class Bench:
    """The running servers. `environment(database)` is the environment of a program for one of its databases."""

    def __init__(self, home: Path, variables: dict[str, str]) -> None:
        self.home = home
        self.postgres = Postgres(home)
        self._variables = variables

    def environment(self, database: str, **more: str) -> dict[str, str]:
        """The environment of a program for `database`. One proxy is trusted, so that each client has its own address."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("HMS_", "DATABASE", "REDIS"))}
        addresses = {
            "DATABASE_URL": self.postgres.application_url(database),
            "DATABASE_OWNER_URL": self.postgres.url(database),
        }
        return own | self._variables | addresses | {"HMS_TRUSTED_PROXIES": "1", "HMS_POOL_SIZE": "10"} | more

    def owner_environment(self, database: str) -> dict[str, str]:
        """The environment of a program that fills the database as its owner, without the triggers."""
        return self.environment(database, DATABASE_URL=self.postgres.url(database))

    def copy_database(self, source: str, name: str) -> None:
        """Create the database `name` as a copy of `source`, which must have no connections."""
        with self.postgres.connect() as connection:
            connection.execute(sql.SQL("create database {} template {}").format(*map(sql.Identifier, (name, source))))

    def connect(self, database: str) -> psycopg.Connection:
        """A superuser's connection to `database`, outside transactions."""
        return psycopg.connect(self.postgres.url(database).replace("+psycopg", ""), autocommit=True)

    def empty_queue(self) -> None:
        """Delete all waiting jobs; they are of the size measured before."""
        with Valkey(self.home).connect() as queue:
            queue.flushall()

    def database_seconds(self) -> float:
        """CPU time of the database server and its connections so far."""
        return _seconds(psutil.Process(self.postgres._pid()))

    def count_workers(self) -> int:
        """How many workers are ready for work."""
        with Valkey(self.home).connect() as queue:
            return Worker.count(connection=queue)

    def queue_seconds(self) -> float:
        """CPU time of the queue server so far."""
        with Valkey(self.home).connect() as queue:
            return _seconds(psutil.Process(queue.info("server")["process_id"]))


def _seconds(process: psutil.Process) -> float:
    """CPU time of a process and its running children; ended children are not counted."""
    total = 0.0
    for member in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess, OSError):
            total += time.clock_gettime(_cpu_clock_id(member.pid))
    return total


def _cpu_clock_id(pid: int) -> int:
    """The id of Linux' CPU clock of another process (clock_getcpuclockid(3)). It counts nanoseconds; psutil only hundredths
    of a second."""
    return ~pid << 3 | 2


@contextlib.contextmanager
def running() -> Iterator[Bench]:
    """Start the benchmark's servers, empty; stop them and delete their data at the end."""
    HOME.parent.mkdir(exist_ok=True)
    with try_lock(HOME.with_suffix(".lock")) as is_only_one:
        if not is_only_one:
            sys.exit("Another benchmark runs in this copy. Wait until it has ended.")
        _clear()
        servers = Servers(HOME, {})
        try:
            yield Bench(HOME, servers.join())
        finally:
            servers.leave()
            _clear()


def _clear() -> None:
    """Stop the servers of an interrupted run, and delete their files."""
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
        """The worker processes."""
        return psutil.Process(self._child._process.pid).children()

    def seconds(self) -> float:
        """CPU time of the worker processes so far."""
        return sum(_seconds(process) for process in self.processes)

    def memory(self) -> list[tuple[float, float]]:
        """(proportional set size, resident set size) of each worker process, in MiB."""
        infos = [process.memory_full_info() for process in self.processes]
        return [(info.pss / 2**20, info.rss / 2**20) for info in infos]


class Background:
    """A running background program."""

    def __init__(self, child: Child) -> None:
        self._process = psutil.Process(child._process.pid)

    def seconds(self) -> float:
        """CPU time so far, with that of the processes it has started, ended ones too."""
        ended = self._process.cpu_times()
        return _seconds(self._process) + ended.children_user + ended.children_system

    def jobs(self) -> list[psutil.Process]:
        """The processes of jobs that a worker has begun."""
        return self._process.children()


@contextlib.contextmanager
def web(bench: Bench, environment: dict[str, str], app: str = "wsgi:app", name: str = "web") -> Iterator[Web]:
    """Run the application `app` at a free port."""
    address = Address("127.0.0.1", ports.choose_port())
    command = [sys.executable, "-m", "gunicorn", "-w", str(WEB_PROCESSES), "--graceful-timeout", "3"]
    command += ["--no-control-socket", "-b", address.bind, app]
    child = Child(name, command, environment | WEB_PROCESS, bench.home)
    child.start()
    try:
        if not processes.wait_until(lambda: address.answers("/api/health/") or child.exit_code(), START_SECONDS):
            raise TimeoutError(f"{app} did not start; see {child.log}")
        if child.exit_code() is not None:
            raise RuntimeError(f"{app} stopped at once:\n{paths.last_lines(child.log, 40)}")
        yield Web(child, address)
    finally:
        child.stop(wait_seconds=6)


@contextlib.contextmanager
def background(bench: Bench, environment: dict[str, str], *words: str, name: str = "") -> Iterator[Background]:
    """Run a background program: `flask work` (a worker) or `flask schedule` (the clock)."""
    child = Child(name or "".join(words), flask_command(*words), environment, bench.home)
    child.start()
    try:
        yield Background(child)
    finally:
        child.stop(wait_seconds=20)


@contextlib.contextmanager
def workers(bench: Bench, environment: dict[str, str]) -> Iterator[list[Background]]:
    """Run the workers of `make run`: one takes long work too, two take none."""
    with contextlib.ExitStack() as stack:
        commands = {
            "worker": ("work",),
            "short-worker": ("work", "--short"),
            "second-short-worker": ("work", "--short"),
        }
        yield [
            stack.enter_context(background(bench, environment, *words, name=name)) for name, words in commands.items()
        ]


def run(bench: Bench, environment: dict[str, str], *command: str) -> None:
    """Run one command to its end; `RuntimeError` with its output when it fails."""
    result = subprocess.run(
        [sys.executable, *command], cwd=paths.ROOT, env=environment, capture_output=True, text=True, timeout=1800
    )
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{result.stdout[-2000:]}{result.stderr[-3000:]}")
