"""Reads a chosen file so that other requests are answered meanwhile, and no file can take the web process with it."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
from pathlib import Path

from flask import has_request_context

import hms
from hms.core.background.threads import run_in_thread
from hms.core.db.session import end_request_session
from hms.core.errors import RuleBroken, Unavailable
from hms.core.text.translation import N_

from .reader_process import OUT_OF_MEMORY
from .tables import Table, is_workbook, read_table
from .workbook_parts import TOO_LARGE

log = logging.getLogger(__name__)

MAX_CONCURRENT, MAX_WAIT_SECONDS = 2, 20
_TOO_MUCH = (OUT_OF_MEMORY, -signal.SIGXCPU, -signal.SIGKILL)
"""How the process of a workbook ends that needs more memory or time than it may have, or than the computer has."""
_slots = threading.BoundedSemaphore(MAX_CONCURRENT)


def read_file(content: bytes, decimal_sign: str) -> Table:
    """The table in `content`: a workbook is read by a process of its own, a CSV file on a thread of its own.

    Raises `RuleBroken` at `file` like `tables.read_table`, and `Unavailable` while too many files are read.
    """
    if has_request_context():
        end_request_session()  # so that no database connection is held meanwhile
    if not _slots.acquire(timeout=MAX_WAIT_SECONDS):
        raise Unavailable(N_("Too many files are being read now. Wait a minute, then try again."))
    try:
        if is_workbook(content):
            return _read_apart(content, decimal_sign)
        return run_in_thread(read_table, content, decimal_sign)
    finally:
        _slots.release()


def _read_apart(content: bytes, decimal_sign: str) -> Table:
    """The process ends when the workbook needs more memory or time than any list does."""
    command = [sys.executable, "-m", "hms.interop.imports.reader_process", decimal_sign]
    folder = Path(hms.__file__).parents[1]
    done = subprocess.run(  # noqa: S603 - our own program
        command, input=content, capture_output=True, cwd=folder, env={}, check=False
    )
    if done.returncode in _TOO_MUCH:
        log.warning("a workbook needed too much memory or time: its process ended with %s", done.returncode)
        raise RuleBroken(TOO_LARGE, "file")
    if done.returncode:
        log.error("the process that reads workbooks failed with %s: %s", done.returncode, done.stderr.decode()[-2000:])
        raise Unavailable(N_("Workbooks cannot be read now. Save the sheet as CSV, or call an administrator."))
    answer = json.loads(done.stdout)
    if "refused" in answer:
        raise RuleBroken(answer["refused"], "file", **answer["values"])
    rows = [(number, cells) for number, cells in answer["table"].pop("rows")]
    return Table(**answer["table"], rows=rows)
