"""Starts database, queue, web server, worker and clock of one hospital, watches them, and closes them in order."""

from __future__ import annotations

import contextlib
import os
import signal
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


def print_message(text: str) -> None:
    """Writes one message. A terminal that is gone does not stop the hospital from closing in order."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


DEMO_ACCOUNTS = ("admin", "doctor", "doctor2", "nurse", "receptionist", "pharmacist", "cashier", "lab")
DEMO_PASSWORD = "hospital-demo-2026"  # noqa: S105 - printed on purpose, for accounts that hold made-up people only

PREPARE_COMMAND = [sys.executable, "-m", "hms.local.supervisor.prepare_database"]

_WEB_START_SECONDS = 300
_WEB_CRASH_SECONDS = 10
# The worker first ends the print it is at.
WEB_PROCESS = {"SOCKETIO_ASYNC": "gevent", "MALLOC_MMAP_THRESHOLD_": "262144"}
"""Environment of a web process. Blocks above 256 KiB go back to the system when they are freed: each password hash takes
19 MiB for a moment, and several at once would otherwise stay with the process (20 to 60 MiB)."""
_STOP_SECONDS = {"web": 6, "clock": 5, "worker": 20}


class ShutdownRequested(Exception):
    """Somebody pressed Ctrl-C or sent TERM or HUP."""


class Supervisor:
    """The programs of one hospital, as its environment describes it."""

    def __init__(self, environment: Mapping[str, str]):
        self.home = paths.data_dir(environment)
        self.address = Address.read(environment.get("HMS_HOST") or "127.0.0.1", environment.get("HMS_PORT") or "8000")
        self.is_demo = environment.get("HMS_DEMO") == "1"
        self._given = environment
        self._servers = Servers(self.home, environment)
        self._children: list[Child] = []
        self._close_requests = 0
        self._needs_terminal = False
        self._servers_seen_at = 0.0

    def run(self) -> int:
        """Opens the hospital and stays until it is closed; 0 when it was closed on purpose, 1 when something failed."""
        stays_without_terminal = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # started with nohup
        self._needs_terminal = sys.stdout.isatty() and not stays_without_terminal
        for sign in (signal.SIGINT, signal.SIGTERM, *([] if stays_without_terminal else [signal.SIGHUP])):
            signal.signal(sign, self._on_signal)
        with try_lock(self.home / "supervisor.lock") as is_only_one:
            if not is_only_one:
                raise LocalServersFailed(
                    f"This hospital is open already (data in {self.home}). "
                    "For a second one choose another HMS_PORT and another HMS_DATA_DIR."
                )
            self._check_address()
            try:
                self._open_and_stay()
            except ShutdownRequested:
                return 0
            finally:
                self._close()

    def _open_and_stay(self) -> None:
        print_message("Starting the database and the queue …")
        environment = self._environment_of_children(self._servers.join())
        print_message("Bringing tables and demo data up to date …" if self.is_demo else "Bringing the tables up to date …")
        self._prepare(environment)
        environment.pop("DATABASE_OWNER_URL", None)
        print_message("Opening the desks …")
        self._open(environment)
        self._welcome()
        while True:
            self._pause()
            self._look_after_children()
            self._look_after_servers()

    def _environment_of_children(self, variables: Mapping[str, str]) -> dict[str, str]:
        zone = self._given.get("HMS_TIMEZONE") or "Africa/Freetown"
        return {**self._given, "PYTHONUNBUFFERED": "1", "TZ": zone, **variables}

    def _prepare(self, environment: dict[str, str]) -> None:
        opening = Child("opening", PREPARE_COMMAND, environment, self.home)
        opening.start(shows_progress=sys.stdout.isatty())
        try:
            while opening.exit_code() is None:
                self._pause(0.05)
        finally:
            opening.stop(patience=10)
        if opening.exit_code():
            raise LocalServersFailed(f"Tables or demo data could not be brought up to date. {_log_end(opening)}")

    def _open(self, environment: dict[str, str]) -> None:
        # The control socket has one fixed path per user, over which two hospitals would quarrel.
        gunicorn = [sys.executable, "-m", "gunicorn", "-k", "gevent", "-w", "2", "--graceful-timeout", "3"]
        gunicorn += ["--no-control-socket", "-b", self.address.bind, "wsgi:app"]
        web = Child("web", gunicorn, environment | WEB_PROCESS, self.home)
        self._start(web)
        self._wait_for(web)
        # After the web, so that they do not take the processor from the pages people wait for.
        self._start(Child("worker", flask_command("work"), environment, self.home))
        self._start(Child("clock", flask_command("schedule"), environment, self.home))

    def _start(self, child: Child) -> None:
        child.start()
        self._children.append(child)

    def _wait_for(self, web: Child) -> None:
        end = time.monotonic() + _WEB_START_SECONDS
        while not self.address.answers("/api/health/"):
            if web.exit_code() is not None or time.monotonic() > end:
                raise LocalServersFailed(f"The web server did not open. {_log_end(web)}")
            self._pause()

    def _look_after_children(self) -> None:
        """Starts again what ended early, and gives up on a web server that does not live."""
        for child in self._children:
            pause = child.restart_when_due()
            if child.name == "web" and child.died_twice_within(_WEB_CRASH_SECONDS):
                raise LocalServersFailed(f"The web server ended twice within seconds. {_log_end(child)}")
            if pause:
                print_message(f"The {child.name} ended early (see {child.log}); it starts again in {pause:.0f} s.")

    def _look_after_servers(self) -> None:
        """Gives up without a database; starts the queue again, as pages work without it and prints wait for it."""
        if time.monotonic() - self._servers_seen_at < 2:
            return
        self._servers_seen_at = time.monotonic()
        postgres, valkey = self._servers.postgres, self._servers.valkey
        if postgres and not postgres.running():
            raise LocalServersFailed(f"The database ended. Nothing saved is lost: start again. Its log: {postgres.log}")
        if valkey and not valkey.running():
            print_message("The queue ended; it is started again.")
            self._servers.revive_valkey()

    def _close(self) -> None:
        """Ends web, clock and worker, then the servers, unless another command still uses those."""
        print_message("\nClosing the desks …")
        by_name = {child.name: child for child in self._children}
        for name in ("web", "clock", "worker"):
            if name in by_name:
                by_name[name].stop(patience=1 if self._close_requests > 1 else _STOP_SECONDS[name])
        self._servers.leave()
        print_message("Closed.")

    def _pause(self, seconds: float = 0.2) -> None:
        # Over `ssh host make run` the hang-up reaches make alone, which then waits for us.
        if self._close_requests or (self._needs_terminal and not os.isatty(sys.stdout.fileno())):
            raise ShutdownRequested
        time.sleep(seconds)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._close_requests += 1

    def _check_address(self) -> None:
        # A hospital that was killed a moment ago may need these seconds to let go of its port.
        processes.wait_until(lambda: not self.address.obstacle(), 4)
        if obstacle := self.address.obstacle():
            raise LocalServersFailed(obstacle)

    def _welcome(self) -> None:
        lines = ["", f"  The hospital is open:  {self.address.for_people}", ""]
        if self.is_demo:
            lines += [f"  Sign in with the password {DEMO_PASSWORD} as one of", f"    {' · '.join(DEMO_ACCOUNTS)}"]
        else:
            lines += ["  Make the first administrator with:  .venv/bin/flask --app wsgi create-admin"]
        print_message("\n".join([*lines, "", f"  Data and logs: {self.home}", "  Ctrl-C closes it and loses nothing.", ""]))


def flask_command(*words: str) -> list[str]:
    """The words that run one of the hospital's own commands with this Python."""
    return [sys.executable, "-m", "flask", "--app", "wsgi", *words]


def main() -> int:
    """Runs the hospital of this environment; failures become one sentence and exit code 1."""
    if os.environ.get("MAKELEVEL"):
        processes.follow_parent()  # killed make must not leave a hospital behind that nobody sees
    try:
        return Supervisor(os.environ).run()
    except LocalServersFailed as problem:
        print_message(f"\n{problem}")
        return 1


def _log_end(child: Child) -> str:
    return f"The end of {child.log}:\n{paths.last_lines(child.log)}"
