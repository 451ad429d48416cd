"""Writes the lock files: which version of each Python package is installed, with the hashes of its files.

`requirements/production.lock` is what a production machine installs, `local.lock` what `make run` and `make bench` add to
it, `test.lock` what the tests and checks add to both. No package stands in two of them. `tools/analysis/requirements.lock`
is for the analysis programs, which have an environment of their own.

Versions stay as they are locked, as long as pyproject.toml allows; with `--upgrade` each becomes the newest that it allows.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

from machine import ROOT, SetupFailed, must

PROJECT = ROOT / "pyproject.toml"
LOCKS = ROOT / "requirements"
ANALYSERS = ROOT / "tools" / "analysis"
ADDED_BY = {"production": (), "local": ("local",), "test": ("local", "test")}
"""The optional dependencies of pyproject.toml that each lock file covers, in the order in which they build on each other."""
OPTIONS = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header", "--quiet")
HEADER = "# Written by tools/lock.py from pyproject.toml: change it there, then run make lock.\n"


def main() -> int:
    """Write all lock files; 1 when no versions fit together or uv is missing."""
    try:
        _lock(upgrade=["--upgrade"] if "--upgrade" in sys.argv else [])
    except SetupFailed as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _lock(upgrade: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        everything = Path(folder) / "everything.lock"
        # uv keeps the versions of the file it writes over.
        everything.write_text("".join(file.read_text() for file in map(_path, ADDED_BY) if file.exists()))
        _compile(PROJECT, everything, *upgrade, *_extras(ADDED_BY["test"]))
        written: set[str] = set()
        for name, extras in ADDED_BY.items():
            whole = Path(folder) / f"{name}.lock"
            _compile(PROJECT, whole, "--constraints", everything, *_extras(extras))
            added = [entry for entry in _entries(whole) if entry not in written]
            _path(name).write_text(HEADER + "".join(added))
            written.update(added)
    _compile(ANALYSERS / "requirements.in", ANALYSERS / "requirements.lock", *upgrade)


def _compile(wanted: Path, lock: Path, *options: str | Path) -> None:
    kept = ROOT / ".local" / "tools" / "bin" / "uv"
    uv = kept if kept.exists() else shutil.which("uv")
    if not uv:
        raise SetupFailed("The installer uv is missing. Run make setup first.")
    must(uv, "pip", "compile", wanted, *OPTIONS, *options, "--output-file", lock)


def _extras(names: tuple[str, ...]) -> list[str]:
    return [word for name in names for word in ("--extra", name)]


def _path(name: str) -> Path:
    return LOCKS / f"{name}.lock"


def _entries(lock: Path) -> list[str]:
    """Each package with its version and its hashes."""
    return re.findall(r"^[^\s#].*\n(?: .*\n)*", lock.read_text(), re.MULTILINE)


if __name__ == "__main__":
    sys.exit(main())
