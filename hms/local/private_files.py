"""Private JSON files (mode 0600): ports, passwords and secrets that stay the same at every start."""

from __future__ import annotations

import json
import os
from pathlib import Path

from . import unprivileged_account
from .errors import LocalServersFailed


def read(path: Path) -> dict[str, str]:
    """The values in the file, or {} when it does not exist; raises `LocalServersFailed` when it cannot be read."""
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except PermissionError:
        raise LocalServersFailed(
            f"{path} belongs to another user. Work as that user, or choose another HMS_DATA_DIR."
        ) from None
    except ValueError:
        raise LocalServersFailed(
            f"{path} is damaged. Restore it from a backup; without it the existing data cannot be opened."
        ) from None
    return {str(key): str(value) for key, value in values.items()}


def write(path: Path, values: dict[str, str]) -> None:
    """Writes `values` to the file, which only its owner may read."""
    write_text(path, json.dumps(values, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Replaces the file's text in one step, so that a power cut leaves the old or the new one. Only its owner may read it."""
    unprivileged_account.make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
