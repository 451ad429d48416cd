"""Running processes of this machine, read from /proc (Linux only)."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def is_running_in(pid: int, directory: Path) -> bool:
    """Whether process `pid` runs and its working directory is `directory`; False for a zombie process."""
    try:
        return os.path.realpath(os.readlink(f"/proc/{pid}/cwd")) == os.path.realpath(directory)
    except OSError:
        return False


def list_running_in(directory: Path) -> list[int]:
    """The ids of processes whose working directory is `directory`. An embedded server's is its own data directory."""
    numbers = (int(entry) for entry in os.listdir("/proc") if entry.isdigit())
    return [pid for pid in numbers if is_running_in(pid, directory)]


def exists(pid: int) -> bool:
    """Whether any process has this id, even a zombie."""
    return Path(f"/proc/{pid}").exists()


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Waits up to `seconds` until `condition()` is true; returns whether it became true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def follow_parent(sign: int = signal.SIGTERM) -> None:
    """Makes the kernel send `sign` to this process when its parent process ends for any reason (Linux only)."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, sign, 0, 0, 0)
