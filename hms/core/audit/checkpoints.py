"""Checkpoints of the audit chain outside the database: they show that entries were cut off or the chain was rebuilt.

The scheduler appends one each hour to a file in the data directory. Copy the file to another machine, or print its last
line: a person who can change both the database and this file can hide removed entries.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from flask import current_app

from hms.core import clock
from hms.core.db.session import db

from . import chain

FILE = "audit-checkpoints.jsonl"


def checkpoint_file() -> Path:
    """The checkpoint file of this installation."""
    return Path(current_app.config["DATA_DIR"]) / FILE


def append_checkpoint() -> None:
    """Append the current head of the hash chain as one line."""
    line = json.dumps({"at": clock.now().isoformat(timespec="seconds"), **chain.checkpoint()})
    db.session.rollback()
    checkpoint_file().parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(checkpoint_file(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
        file.write(line + "\n")


def last_checkpoint(path: Path | None = None) -> dict[str, Any] | None:
    """The last checkpoint in `path` (the installation's own file when None); None when there is none.

    Raises `ValueError` when the last line is not a checkpoint.
    """
    try:
        lines = (path or checkpoint_file()).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    newest = next((line for line in reversed(lines) if line.strip()), None)
    if newest is None:
        return None
    checkpoint = json.loads(newest)
    if not isinstance(checkpoint, dict) or not {"n", "seal"} <= checkpoint.keys():
        raise ValueError("no checkpoint")
    return checkpoint
