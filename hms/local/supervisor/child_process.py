"""A program of the hospital that the supervisor starts, watches and stops."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Collection, Mapping
from pathlib import Path

from hms.local import paths, processes

_STABLE_SECONDS = 60
_MAX_PAUSE_SECONDS = 10


class Child:
    """One program with its log, in a session of its own: Ctrl-C at the terminal reaches the supervisor only."""

    def __init__(
        self, name: str, command: list[str], environment: Mapping[str, str], home: Path, files: Collection[int] = ()
    ):
        """`files` are the descriptors of open files that the program gets under the same numbers."""
        self.name = name
        self.log = home / "log" / f"{name}.log"
        self._home = home
        self._command = command
        self._environment = dict(environment)
        self._files = files
        self._process: subprocess.Popen | None = None
        self._started_at = 0.0
        self._pause = 0.5
        self._due_at = 0.0
        self._exit_times: deque[float] = deque(maxlen=2)

    def start(self, *, shows_progress: bool = False) -> None:
        """Starts the program; with `shows_progress` its output goes to the terminal and only its errors to the log."""
        paths.log_file(self._home, self.name)
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=paths.ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=None if shows_progress else log,
                stderr=log,
                start_new_session=True,
                pass_fds=self._files,
                preexec_fn=processes.follow_parent,
            )
        self._started_at = time.monotonic()

    def exit_code(self) -> int | None:
        """The exit code; None while the program runs or before it is started."""
        return self._process.poll() if self._process else None

    def pid(self) -> int | None:
        """The id of the running program; None when it has ended or is not started."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def seconds_to_restart(self) -> float | None:
        """How long until an ended program is due to restart; None while it runs."""
        return None if self.pid() else max(self._due_at - time.monotonic(), 0.0)

    def restart_when_due(self) -> float | None:
        """Restarts an ended program after a growing pause; returns the pause in seconds when one begins. Call it when a program
        has ended and when the pause is over.

        What the program has started is asked to end, and killed before the restart: it may go on with the program's work.
        """
        if self.exit_code() is None:
            return None
        now = time.monotonic()
        if not self._due_at:
            self._exit_times.append(now)
            was_stable = now - self._started_at > _STABLE_SECONDS
            self._pause = 1 if was_stable else min(self._pause * 2, _MAX_PAUSE_SECONDS)
            self._due_at = now + self._pause
            self._signal_group(signal.SIGTERM)
            return self._pause
        if now >= self._due_at:
            self._due_at = 0.0
            self._signal_group(signal.SIGKILL)
            self.start()
        return None

    def ended_twice_within(self, seconds: float) -> bool:
        """Whether the program ended twice within `seconds`."""
        return len(self._exit_times) == 2 and self._exit_times[1] - self._exit_times[0] < seconds

    def stop(self, wait_seconds: float) -> None:
        """Sends TERM, waits up to `wait_seconds`, then kills the program and everything it started."""
        if not self._process:
            return
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(wait_seconds)
        self._signal_group(signal.SIGKILL)
        self._process.wait()

    def _signal_group(self, sign: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, sign)
