"""Writes the lock files: the version of each Python package, with the hashes of its files.

`requirements/production.lock` has the packages of a production machine, `local.lock` those that `make run` and `make bench`
need in addition, `test.lock` those of the tests and checks. No package is in two of them. `tools/analysis/requirements.lock`
is for the analysis programs, which have their own environment.

Locked versions stay, as long as pyproject.toml allows them; with `--upgrade` each becomes the newest allowed one.
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
"""The optional dependencies of pyproject.toml in each lock file; each file leaves out the packages of those before it."""
OPTIONS = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header", "--quiet")
HEADER = "# Written by tools/lock.py from pyproject.toml: change it there, then run make lock.\n"


def main() -> int:
    """Write all lock files; 1 when the requirements conflict or uv is missing."""
    try:
        _lock(upgrade=["--upgrade"] if "--upgrade" in sys.argv else [])
    except SetupFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _lock(upgrade: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        everything = Path(folder) / "everything.lock"
        # uv keeps the versions that are in its output file.
        everything.write_text("".join(file.read_text() for file in map(_path, ADDED_BY) if file.exists()))
        _compile(PROJECT, everything, *upgrade, *_extras(ADDED_BY["test"]))
        written: set[str] = set()
        for name, extras in ADDED_BY.items():
            complete = Path(folder) / f"{name}.lock"
            _compile(PROJECT, complete, "--constraints", everything, *_extras(extras))
            new = [entry for entry in _entries(complete) if entry not in written]
            _path(name).write_text(HEADER + "".join(new))
            written.update(new)
    _compile(ANALYSERS / "requirements.in", ANALYSERS / "requirements.lock", *upgrade)


def _compile(requirements: Path, lock: Path, *options: str | Path) -> None:
    own = ROOT / ".local" / "tools" / "bin" / "uv"
    uv = own if own.exists() else shutil.which("uv")
    if not uv:
        raise SetupFailed("The installer uv is missing. Run make setup first.")
    must(uv, "pip", "compile", requirements, *OPTIONS, *options, "--output-file", lock)


def _extras(names: tuple[str, ...]) -> list[str]:
    return [word for name in names for word in ("--extra", name)]


def _path(name: str) -> Path:
    return LOCKS / f"{name}.lock"


def _entries(lock: Path) -> list[str]:
    """Each package with its version and its hashes."""
    return re.findall(r"^[^\s#].*\n(?: .*\n)*", lock.read_text(), re.MULTILINE)


if __name__ == "__main__":
    sys.exit(main())
