"""Chooses the tests for the changed files, for `make quick`. Uses only Python's standard library and git."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
COMPARED_WITH = "origin/main"
WITHOUT_TESTS = ("docs", "deploy", "benchmarks", "tests/browser")
HOUSE_TESTS = "tests/house"


def changed_files() -> list[str]:
    """The files that changed since this branch left origin/main (without one: since the last commit), and new files."""
    base = _git("merge-base", "HEAD", COMPARED_WITH) or ["HEAD"]
    changed = _git("diff", "--name-only", "--no-renames", base[0])
    new = _git("ls-files", "--others", "--exclude-standard")
    return sorted({*changed, *new})


def choose_tests(files: Iterable[str]) -> list[str]:
    """The test folders and files to run: those of each changed desk, and the house tests for files that all desks use."""
    chosen = {path for file in files for path in _tests_of(PurePosixPath(file))}
    return sorted(path for path in chosen if not any(str(parent) in chosen for parent in PurePosixPath(path).parents))


def _tests_of(file: PurePosixPath) -> set[str]:
    if any(file.is_relative_to(folder) for folder in WITHOUT_TESTS) or file.suffix == ".md":
        return set()
    if file.parts[0] == "tools":
        return {"tests/local"}
    if file.is_relative_to(HOUSE_TESTS) and file.name.startswith("test_"):
        return {str(file)} if (ROOT / file).exists() else set()
    if file.parts[0] not in ("hms", "templates", "tests") or not _has_tests(file):
        return {HOUSE_TESTS}
    desk = f"tests/{file.parts[1]}"
    return {desk, HOUSE_TESTS} if desk == "tests/core" else {desk}


def _has_tests(file: PurePosixPath) -> bool:
    return len(file.parts) > 2 and (ROOT / "tests" / file.parts[1]).is_dir()


def _git(*arguments: str) -> list[str]:
    result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout.splitlines() if result.returncode == 0 else []
