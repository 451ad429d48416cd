"""What the kernel says about running programs."""

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
    """Whether process `pid` is alive and works in `directory`; one that ended but still has its number is not."""
    try:
        return os.path.realpath(os.readlink(f"/proc/{pid}/cwd")) == os.path.realpath(directory)
    except OSError:
        return False


def list_running_in(directory: Path) -> list[int]:
    """Every living process that works in `directory`, as each embedded server does in its data directory."""
    numbers = (int(entry) for entry in os.listdir("/proc") if entry.isdigit())
    return [pid for pid in numbers if is_running_in(pid, directory)]


def exists(pid: int) -> bool:
    """Whether any process, of whatever kind, has this number."""
    return Path(f"/proc/{pid}").exists()


def wait_until(happened: Callable[[], bool], seconds: float) -> bool:
    """Waits for `happened()` up to `seconds`; says whether it did."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def follow_parent(sign: int = signal.SIGTERM) -> None:
    """From now on this process is sent `sign` when the process that started it dies, however it dies (Linux only)."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, sign, 0, 0, 0)
