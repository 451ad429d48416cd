"""Sleeps until a process ends, a signal arrives or the terminal is gone, without looking in between."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from collections.abc import Iterable

POLL_SECONDS = 1.0
"""How long a sleep lasts where the kernel cannot watch processes."""


class Sleeper:
    """Wakes up at the end of a process (pidfd_open(2)), at a signal of this program and at the hang-up of `terminal`."""

    def __init__(self, terminal: int | None = None) -> None:
        self._terminal = terminal
        self._signals, self._wake_up = socket.socketpair()
        for end in (self._signals, self._wake_up):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake_up.fileno(), warn_on_full_buffer=False)

    def sleep(self, pids: Iterable[int], seconds: float) -> bool:
        """Sleep until one of the processes `pids` has ended or something else happens, at most `seconds`. Returns whether the
        terminal is gone.
        """
        with contextlib.ExitStack() as watched:
            poll = select.poll()
            poll.register(self._signals, select.POLLIN)
            if self._terminal is not None:
                poll.register(self._terminal, 0)  # a hang-up is always reported
            for pid in pids:
                try:
                    descriptor = os.pidfd_open(pid)
                except ProcessLookupError:
                    return False
                except OSError:
                    seconds = min(seconds, POLL_SECONDS)
                    continue
                watched.callback(os.close, descriptor)
                poll.register(descriptor, select.POLLIN)
            happened = dict(poll.poll(seconds * 1000))
        with contextlib.suppress(BlockingIOError):
            self._signals.recv(4096)
        return self._terminal in happened

    def close(self) -> None:
        """Stop watching signals."""
        signal.set_wakeup_fd(-1)
        self._signals.close()
        self._wake_up.close()
