"""Whether the disk of the hospital's server is full: seen by its free space, or by a write that failed lately."""

from __future__ import annotations

import errno
import shutil
import time
from pathlib import Path

from flask import current_app

MIN_FREE_BYTES = 100 * 2**20
REMEMBERED_SECONDS = 300
_last_failure: float | None = None


def note_disk_full() -> None:
    """Remember that a write failed because the disk is full: the database may be on another disk than the documents."""
    global _last_failure
    _last_failure = time.monotonic()


def is_disk_full_error(error: BaseException) -> bool:
    """Whether the system refused a write for want of space."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def free_bytes() -> int:
    """The free space where documents are kept."""
    folder = Path(current_app.config["DATA_DIR"])
    return shutil.disk_usage(folder if folder.exists() else folder.parent).free


def is_full() -> bool:
    """Whether there is almost no space left, or a write failed for want of it in the last minutes."""
    failed_lately = _last_failure is not None and time.monotonic() - _last_failure < REMEMBERED_SECONDS
    return failed_lately or free_bytes() < MIN_FREE_BYTES
