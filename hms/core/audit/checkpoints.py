"""Where the chain stood, kept outside of the database: what shows that its end was cut off or that it was built anew.

The clock notes the head each hour in the data directory. Copy the file to another machine, or print its last line: who
can change the database and this file can hide what they cut off.
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
    """The file in which this installation notes where the chain stood."""
    return Path(current_app.config["DATA_DIR"]) / FILE


def append_checkpoint() -> None:
    """Append the current head of the hash chain as one line."""
    said = json.dumps({"at": clock.now().isoformat(timespec="seconds"), **chain.checkpoint()})
    db.session.rollback()
    checkpoint_file().parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(checkpoint_file(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
        file.write(said + "\n")


def last_checkpoint(path: Path | None = None) -> dict[str, Any] | None:
    """The last checkpoint in `path` (the installation's own file when None); None when there is none.

    `ValueError` when the file holds something else.
    """
    try:
        lines = (path or checkpoint_file()).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    said = next((line for line in reversed(lines) if line.strip()), None)
    if said is None:
        return None
    found = json.loads(said)
    if not isinstance(found, dict) or not {"n", "seal"} <= found.keys():
        raise ValueError("no checkpoint")
    return found
