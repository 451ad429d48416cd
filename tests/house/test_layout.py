"""The layout of the source: one folder per desk, the same file names, one direction of imports, no long files."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from hms import DESKS

ROOT = Path(__file__).resolve().parents[2]
KNOWN_LONG = 400
BOOKKEEPING = ("staff/login_security/", "staff/sign_in/", "staff/sessions/", "staff/request_user.py")
BOOKKEEPING += ("reports/totals/jobs.py",)
"""Modules that may commit: records of sign-ins must stay when the request is refused, and the totals of days are derived from
records by the scheduler, a step at a time."""


@pytest.mark.parametrize("desk", DESKS)
def test_a_desk_says_in_one_sentence_what_it_does(desk):
    source = (ROOT / "hms" / desk / "__init__.py").read_text(encoding="utf-8")
    said = ast.get_docstring(ast.parse(source))
    assert said, f"hms/{desk}/__init__.py has no docstring"


@pytest.mark.parametrize("desk", DESKS)
def test_a_desk_with_pages_has_its_templates_and_tests(desk):
    if (ROOT / "hms" / desk / "views.py").exists():
        assert (ROOT / "templates" / desk).is_dir(), f"templates/{desk} is missing"
        assert (ROOT / "tests" / desk).is_dir(), f"tests/{desk} is missing"


def test_every_desk_has_its_place_in_the_import_order():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = " ".join(contracts[0]["layers"])
    assert all(f"hms.{desk}" in layers for desk in DESKS)


def test_files_are_of_one_subject():
    long = [
        f"{path.relative_to(ROOT)}: {lines}"
        for path in (ROOT / "hms").rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > KNOWN_LONG
        and path.name not in ("models.py", "permissions.py")
    ]
    assert long == [], "Split these files by subject."


def test_only_actions_commit_what_a_desk_writes():
    committing = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "hms").rglob("*.py")
        if "session.commit()" in path.read_text(encoding="utf-8")
        and not str(path.relative_to(ROOT / "hms")).startswith(("core/", *BOOKKEEPING))
    ]
    assert committing == [], "Wrap the write in an @action; only the core and the bookkeeping of sign-in commit."


def test_time_comes_from_the_clock_only():
    forbidden = ("datetime.now(", "date.today(", "datetime.utcnow(", "datetime.today(")
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in (ROOT / "hms").rglob("*.py")
        for word in forbidden
        if word in path.read_text(encoding="utf-8") and path.name != "clock.py"
    ]
    assert found == []


OWN = ("hms", "config", "tests", "benchmarks")


def test_nothing_private_of_a_library_is_imported():
    """A name that begins with `_` may change without notice; use public names only."""
    found = [
        f"{path.relative_to(ROOT)}: {node.module}.{name.name}"
        for path in [*(ROOT / "hms").rglob("*.py"), ROOT / "config.py", ROOT / "wsgi.py", ROOT / "gunicorn.conf.py"]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module.split(".")[0] not in OWN
        for name in node.names
        if name.name.startswith("_") or "._" in f".{node.module}".replace(".__future__", "")
    ]
    assert found == []
