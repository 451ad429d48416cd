"""A statement that is built once must not hold what changes: the day, the settings, the person at the page."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HMS = Path(__file__).resolve().parents[2] / "hms"
CHANGING = {"clock", "settings", "person", "current_user", "g", "request", "session", "today", "now"}


def _built_once() -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions under `@built_once`, and those handed to it as `built_once(function)`."""
    for path in sorted(HMS.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_it(node.func)]
        handed = {one.id for node in calls for one in node.args if isinstance(one, ast.Name)}
        for node in ast.walk(tree):
            is_marked = any(_is_it(one) for one in getattr(node, "decorator_list", ()))
            if is_marked or (isinstance(node, ast.FunctionDef) and node.name in handed):
                yield f"{path.relative_to(HMS)}:{node.name}", node


def _is_it(name: ast.expr) -> bool:
    return getattr(name, "id", "") == "built_once"


STATEMENTS = dict(_built_once())


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_built_of_what_stays(name):
    read = {node.id for node in ast.walk(STATEMENTS[name]) if isinstance(node, ast.Name)}
    given = {argument.arg for argument in (*STATEMENTS[name].args.args, *STATEMENTS[name].args.kwonlyargs)}
    assert not (read - given) & CHANGING, f"{name} would keep for ever what it reads of {(read - given) & CHANGING}"


def test_the_busy_desks_build_their_statements_once():
    assert len(STATEMENTS) > 40
