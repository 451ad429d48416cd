"""Starts database, queue, web server, workers and scheduler of one hospital, watches them, and stops them in order."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from types import FrameType

from hms.local import paths, processes
from hms.local.errors import LocalServersFailed
from hms.local.listen_address import Address
from hms.local.servers.servers import Servers
from hms.local.servers.shared_locks import try_lock

from .child_process import Child
from .waiting import Sleeper


def print_message(text: str) -> None:
    """Prints one message. A closed terminal is ignored, so that the hospital still stops in order."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


DEMO_ACCOUNTS = ("admin", "doctor", "doctor2", "nurse", "receptionist", "pharmacist", "cashier", "lab")
DEMO_PASSWORD = "hospital-demo-2026"  # noqa: S105 - printed on purpose, for accounts that hold made-up people only

PREPARE_COMMAND = [sys.executable, "-m", "hms.local.supervisor.prepare_database"]

_WEB_START_SECONDS = 300
_WEB_CRASH_SECONDS = 10
_RESTART_PAUSE_SECONDS = 10
_PORT_RELEASE_SECONDS = 4
_LONGEST_SLEEP_SECONDS = 60
WEB_PROCESS = {"SOCKETIO_ASYNC": "gevent", "MALLOC_MMAP_THRESHOLD_": "262144"}
"""Environment of a web process. Freed blocks above 256 KiB return to the system; otherwise the memory of password hashes
(19 MiB each) would stay with the process."""
# In the order in which they are stopped. A worker first finishes its current document.
_STOP_SECONDS = {"web": 6, "clock": 5, "second-short-worker": 20, "short-worker": 20, "worker": 20}


class ShutdownRequested(Exception):
    """Raised when Ctrl-C is pressed or TERM or HUP is received."""


class Supervisor:
    """Runs the programs of one hospital; `environment` configures it."""

    def __init__(self, environment: Mapping[str, str]):
        self.home = paths.data_dir(environment)
        self.address = Address.read(environment.get("HMS_HOST") or "127.0.0.1", environment.get("HMS_PORT") or "8000")
        self.is_demo = environment.get("HMS_DEMO") == "1"
        self._environment = environment
        self._servers = Servers(self.home, environment)
        self._children: list[Child] = []
        self._close_requests = 0
        self._needs_terminal = False
        self._servers_due_at = 0.0

    def run(self) -> int:
        """Starts the hospital and watches it until it is stopped; returns 0. Raises `LocalServersFailed`."""
        stays_without_terminal = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # started with nohup
        self._needs_terminal = sys.stdout.isatty() and not stays_without_terminal
        for sign in (signal.SIGINT, signal.SIGTERM, *([] if stays_without_terminal else [signal.SIGHUP])):
            signal.signal(sign, self._on_signal)
        with try_lock(self.home / "supervisor.lock") as is_only_one:
            if not is_only_one:
                raise LocalServersFailed(
                    f"This hospital is already running (data in {self.home}). "
                    "For a second one choose another HMS_PORT and another HMS_DATA_DIR."
                )
            with self._listen() as web_socket:
                try:
                    self._start_and_watch(web_socket)
                except ShutdownRequested:
                    return 0
                finally:
                    self._close()

    def _start_and_watch(self, web_socket: socket.socket) -> None:
        print_message("Starting the database and the queue …")
        environment = self._environment_of_children(self._servers.join())
        print_message("Updating tables and demo data …" if self.is_demo else "Updating the tables …")
        self._prepare(environment)
        environment.pop("DATABASE_OWNER_URL", None)
        print_message("Starting the web server …")
        self._open(environment, web_socket)
        self._welcome()
        sleeper = Sleeper(sys.stdout.fileno() if self._needs_terminal else None)
        try:
            while True:
                self._raise_if_closing()
                self._sleep(sleeper)
                self._restart_children()
                self._check_servers()
        finally:
            sleeper.close()

    def _sleep(self, sleeper: Sleeper) -> None:
        """Sleeps until a program or a server ends or one that ended is due to restart."""
        servers = self._servers.pids()
        pids = [*(child.pid() for child in self._children), *servers]
        waits = [child.seconds_to_restart() for child in self._children]
        if None in servers:
            waits.append(max(self._servers_due_at - time.monotonic(), 0.0))
        seconds = min((wait for wait in waits if wait is not None), default=_LONGEST_SLEEP_SECONDS)
        if sleeper.sleep((pid for pid in pids if pid is not None), seconds):
            raise ShutdownRequested

    def _environment_of_children(self, variables: Mapping[str, str]) -> dict[str, str]:
        zone = self._environment.get("HMS_TIMEZONE") or "Africa/Freetown"
        return {**self._environment, "PYTHONUNBUFFERED": "1", "TZ": zone, **variables}

    def _prepare(self, environment: dict[str, str]) -> None:
        opening = Child("opening", PREPARE_COMMAND, environment, self.home)
        opening.start(shows_progress=sys.stdout.isatty())
        try:
            while opening.exit_code() is None:
                self._pause(0.05)
        finally:
            opening.stop(wait_seconds=10)
        if opening.exit_code():
            raise LocalServersFailed(f"Tables or demo data could not be updated. {_log_end(opening)}")

    def _open(self, environment: dict[str, str], web_socket: socket.socket) -> None:
        # The control socket has one fixed path per user, so that two hospitals would conflict.
        gunicorn = [sys.executable, "-m", "gunicorn", "-w", "2", "--graceful-timeout", "3"]
        gunicorn += ["--no-control-socket", "-b", f"fd://{web_socket.fileno()}", "wsgi:app"]
        web = Child("web", gunicorn, environment | WEB_PROCESS, self.home, [web_socket.fileno()])
        self._start(web)
        self._wait_for(web)
        # After the web server, so that they do not slow down its start.
        self._start(Child("worker", flask_command("work"), environment, self.home))
        # Two for short work: one alone falls behind while the worker makes a long paper.
        for name in ("short-worker", "second-short-worker"):
            self._start(Child(name, flask_command("work", "--short"), environment, self.home))
        self._start(Child("clock", flask_command("schedule"), environment, self.home))

    def _start(self, child: Child) -> None:
        child.start()
        self._children.append(child)

    def _wait_for(self, web: Child) -> None:
        end = time.monotonic() + _WEB_START_SECONDS
        while not self.address.answers("/api/health/"):
            if web.exit_code() is not None or time.monotonic() > end:
                raise LocalServersFailed(f"The web server did not start. {_log_end(web)}")
            self._pause()

    def _restart_children(self) -> None:
        """Restarts programs that ended; raises `LocalServersFailed` when the web server ends twice within seconds."""
        for child in self._children:
            pause = child.restart_when_due()
            if child.name == "web" and child.ended_twice_within(_WEB_CRASH_SECONDS):
                raise LocalServersFailed(f"The web server ended twice within seconds. {_log_end(child)}")
            if pause:
                print_message(f"The {child.name} ended early (see {child.log}). It restarts in {pause:.0f} s.")

    def _check_servers(self) -> None:
        """Restarts a database or queue that ended; nothing saved is lost. Tries again while that fails."""
        if time.monotonic() < self._servers_due_at:
            return
        self._servers_due_at = 0.0
        try:
            for name in self._servers.restart_ended():
                print_message(f"The {name} ended. It was restarted.")
        except LocalServersFailed as problem:
            print_message(f"The database or the queue ended and cannot be restarted yet. {problem}")
            self._servers_due_at = time.monotonic() + _RESTART_PAUSE_SECONDS

    def _close(self) -> None:
        """Stops web server, scheduler and workers, then the servers unless another command still uses them."""
        print_message("\nStopping …")
        by_name = {child.name: child for child in self._children}
        for name, seconds in _STOP_SECONDS.items():
            if name in by_name:
                by_name[name].stop(wait_seconds=1 if self._close_requests > 1 else seconds)
        self._servers.leave()
        print_message("Stopped.")

    def _pause(self, seconds: float = 0.2) -> None:
        self._raise_if_closing()
        time.sleep(seconds)

    def _raise_if_closing(self) -> None:
        # With `ssh host make run` the hang-up signal reaches only make, which then waits for this program.
        if self._close_requests or (self._needs_terminal and not os.isatty(sys.stdout.fileno())):
            raise ShutdownRequested

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._close_requests += 1

    def _listen(self) -> socket.socket:
        """The web server's socket, held until the hospital is closed: no other program can take the port meanwhile."""
        # A hospital that was just killed may need some seconds to release its port.
        end = time.monotonic() + _PORT_RELEASE_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(LocalServersFailed):
                return self.address.listen()
            time.sleep(0.1)
        return self.address.listen()

    def _welcome(self) -> None:
        lines = ["", f"  The hospital is open:  {self.address.browser_url}", ""]
        if self.is_demo:
            lines += [f"  Sign in with the password {DEMO_PASSWORD} as one of", f"    {' · '.join(DEMO_ACCOUNTS)}"]
        else:
            lines += ["  Create the first administrator with:  .venv/bin/flask --app wsgi create-admin USERNAME"]
        print_message(
            "\n".join([*lines, "", f"  Data and logs: {self.home}", "  Ctrl-C stops it. No data is lost.", ""])
        )


def flask_command(*words: str) -> list[str]:
    """The command line that runs one of the hospital's Flask commands with this Python."""
    return [sys.executable, "-m", "flask", "--app", "wsgi", *words]


def main() -> int:
    """Runs the hospital of this environment; returns the exit code, 1 after printing a `LocalServersFailed`."""
    if os.environ.get("MAKELEVEL"):
        processes.follow_parent()  # a killed make must not leave a hospital running in the background
    try:
        return Supervisor(os.environ).run()
    except LocalServersFailed as problem:
        print_message(f"\n{problem}")
        return 1


def _log_end(child: Child) -> str:
    return f"The end of {child.log}:\n{paths.last_lines(child.log)}"
