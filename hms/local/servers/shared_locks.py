"""Who uses the servers of a data directory, so that the last one to leave stops them and nobody else does.

Every user holds a shared lock on `servers.users` for as long as it lives. The kernel lets go of it even after kill -9
or a power cut, so no count can ever be wrong. Starting and stopping happen behind `servers.gate`, one at a time.
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
    """The users of the servers in `directory`, as seen by one of them."""

    def __init__(self, directory: Path):
        self._directory = directory
        self._held: TextIO | None = None

    def join(self, start: Callable[[bool], T]) -> T:
        """Calls `start(is_alone)` and counts as a user from then on; nobody starts or stops anything meanwhile."""
        with self._gate():
            if self._held:
                return start(False)
            lock = _open(self._directory / "servers.users")
            try:
                result = start(_try_flock(lock, fcntl.LOCK_EX))
            except BaseException:
                lock.close()
                raise
            fcntl.flock(lock, fcntl.LOCK_SH)
            self._held = lock
            return result

    def leave(self, stop: Callable[[], None]) -> bool:
        """No longer a user; calls `stop` when there is no other one, and says whether it did."""
        if not self._held:
            return False
        with self._gate():
            is_last = _try_flock(self._held, fcntl.LOCK_EX)
            try:
                if is_last:
                    stop()
            finally:
                self._held.close()
                self._held = None
            return is_last

    @contextlib.contextmanager
    def _gate(self) -> Iterator[None]:
        with _open(self._directory / "servers.gate") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield


@contextlib.contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Says whether nobody else holds the lock file `path`, and holds it meanwhile."""
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
