"""File locks that show which programs use the servers of a data directory, so that only the last one stops them.

Each user holds a shared lock on `servers.users` while it runs. The kernel releases it even after kill -9 or a power cut.
A lock on `servers.gate` allows only one program at a time to start or stop servers.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO, TypeVar

from hms.local import unprivileged_account
from hms.local.errors import LocalServersFailed

T = TypeVar("T")


class SharedUse:
    """One program's use of the servers in `directory`."""

    def __init__(self, directory: Path):
        self._directory = directory
        self._lock: TextIO | None = None

    def join(self, start: Callable[[bool], T]) -> T:
        """Calls `start(is_alone)` under the gate's lock, becomes a user, and returns the result of `start`."""
        with self._gate():
            if self._lock:
                return start(False)
            lock = _open(self._directory / "servers.users")
            try:
                result = start(_try_flock(lock, fcntl.LOCK_EX))
            except BaseException:
                lock.close()
                raise
            fcntl.flock(lock, fcntl.LOCK_SH)
            self._lock = lock
            return result

    def leave(self, stop: Callable[[], None]) -> bool:
        """Ends the use; calls `stop` when there is no other user, and returns whether it did."""
        if not self._lock:
            return False
        with self._gate():
            is_last = _try_flock(self._lock, fcntl.LOCK_EX)
            try:
                if is_last:
                    stop()
            finally:
                self._lock.close()
                self._lock = None
            return is_last

    @contextlib.contextmanager
    def _gate(self) -> Iterator[None]:
        with _open(self._directory / "servers.gate") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield


@contextlib.contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Tries to lock the file `path` for the block; gives False when another program holds it."""
    with _open(path) as lock:
        yield _try_flock(lock, fcntl.LOCK_EX)


def _open(path: Path) -> TextIO:
    try:
        unprivileged_account.make_folder(path.parent)
        return path.open("a")
    except OSError as error:
        raise LocalServersFailed(
            f"{path.parent} cannot be used ({error.strerror}). Work as its owner, or choose another HMS_DATA_DIR."
        ) from None


def _try_flock(lock: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
