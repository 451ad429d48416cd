"""Which tests belong to the files that were changed, for `make quick`. Needs nothing but Python and git."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
COMPARED_WITH = "origin/main"
WITHOUT_TESTS = ("docs", "deploy", "benchmarks", "tests/browser")
OF_THE_WHOLE = "tests/house"


def changed_files() -> list[str]:
    """The files that differ from where this branch left origin/main (without one: from the last commit), and new ones."""
    base = _git("merge-base", "HEAD", COMPARED_WITH) or ["HEAD"]
    changed = _git("diff", "--name-only", "--no-renames", base[0])
    new = _git("ls-files", "--others", "--exclude-standard")
    return sorted({*changed, *new})


def choose_tests(files: Iterable[str]) -> list[str]:
    """The folders and files of tests to run: those of each desk touched, and those of the whole for what all desks share."""
    chosen = {name for file in files for name in _tests_of_one(PurePosixPath(file))}
    return sorted(name for name in chosen if not any(str(above) in chosen for above in PurePosixPath(name).parents))


def _tests_of_one(file: PurePosixPath) -> set[str]:
    if any(file.is_relative_to(place) for place in WITHOUT_TESTS) or file.suffix == ".md":
        return set()
    if file.parts[0] == "tools":
        return {"tests/local"}
    if file.is_relative_to(OF_THE_WHOLE) and file.name.startswith("test_"):
        return {str(file)} if (ROOT / file).exists() else set()
    if file.parts[0] not in ("hms", "templates", "tests") or not _has_tests(file):
        return {OF_THE_WHOLE}
    desk = f"tests/{file.parts[1]}"
    return {desk, OF_THE_WHOLE} if desk == "tests/core" else {desk}


def _has_tests(file: PurePosixPath) -> bool:
    return len(file.parts) > 2 and (ROOT / "tests" / file.parts[1]).is_dir()


def _git(*words: str) -> list[str]:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []
