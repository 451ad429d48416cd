"""Paths on this machine: the program's folder, the data directory, logs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from . import unprivileged_account

ROOT = Path(__file__).resolve().parents[2]

_MAX_LOG_BYTES = 5 * 1024 * 1024
_OLD_LOGS_KEPT = 3


def data_dir(environment: Mapping[str, str]) -> Path:
    """The hospital's data directory: `HMS_DATA_DIR`, or `instance/` in the program's folder."""
    chosen = environment.get("HMS_DATA_DIR")
    return (Path(chosen).expanduser() if chosen else ROOT / "instance").resolve()


def log_file(directory: Path, name: str) -> Path:
    """The path of the log `name` in the data directory. A log above 5 MB is rotated first; three old ones are kept."""
    path = directory / "log" / f"{name}.log"
    unprivileged_account.make_folder(path.parent)
    if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
        for number in range(_OLD_LOGS_KEPT - 1, 0, -1):
            older = path.with_suffix(f".log.{number}")
            if older.exists():
                older.replace(path.with_suffix(f".log.{number + 1}"))
        path.replace(path.with_suffix(".log.1"))
    return path


def last_lines(path: Path, count: int = 15) -> str:
    """The last lines of a log, for an error message; "" when there is no log."""
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
