"""Small JSON files that only their owner may read: ports, passwords and secrets that stay the same at every start."""

from __future__ import annotations

import json
import os
from pathlib import Path

from . import unprivileged_account
from .errors import LocalServersFailed


def read(path: Path) -> dict[str, str]:
    """What was kept, or {} when nothing was yet; a file that cannot be read is an error, never silently replaced."""
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except PermissionError:
        raise LocalServersFailed(
            f"{path} belongs to another user. Work as that user, or choose another HMS_DATA_DIR."
        ) from None
    except ValueError:
        raise LocalServersFailed(
            f"{path} is damaged. Put it back from a backup; without it old data stays locked."
        ) from None
    return {str(key): str(value) for key, value in kept.items()}


def write(path: Path, values: dict[str, str]) -> None:
    """Keeps `values`, readable by the owner alone."""
    write_text(path, json.dumps(values, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes `text` in one step (a power cut leaves the old file or the new one), readable by the owner alone."""
    unprivileged_account.make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
