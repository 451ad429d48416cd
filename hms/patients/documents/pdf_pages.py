"""The pages of a stored PDF as pictures, so that it is seen in the page of the document and none of its scripts runs."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from hms.core.db.session import end_request_session
from hms.core.errors import NotFound, Unavailable
from hms.core.text.translation import N_

from . import pdf_process

MAX_CONCURRENT, MAX_WAIT_SECONDS, MAX_SECONDS = 2, 10, 20
_slots = threading.BoundedSemaphore(MAX_CONCURRENT)


def count_pages(content: bytes) -> int | None:
    """How many pages a PDF has; None for one that is damaged, needs a password, or is too large to be shown."""
    counted = _run(content, 0)
    return int(counted) if counted else None


def render_page(content: bytes, number: int) -> bytes:
    """The picture of page `number`, from 1, as JPEG; raises `NotFound` for a page that cannot be shown."""
    picture = _run(content, number)
    if not picture:
        raise NotFound(N_("This page cannot be shown."))
    return picture


def _run(content: bytes, number: int) -> bytes | None:
    """What the process writes; None when it fails. No database connection is held meanwhile."""
    end_request_session()
    if not _slots.acquire(timeout=MAX_WAIT_SECONDS):
        raise Unavailable(N_("Too many documents are being opened now. Wait a minute, then try again."))
    command = [sys.executable, "-I", str(Path(pdf_process.__file__)), str(number)]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, input=content, capture_output=True, env={}, check=False, timeout=MAX_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    finally:
        _slots.release()
    return done.stdout if done.returncode == 0 else None
