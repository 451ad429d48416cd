"""A statement that is built once must not hold what changes: the day, the settings, the person at the page."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HMS = Path(__file__).resolve().parents[2] / "hms"
CHANGING = {"clock", "settings", "person", "current_user", "g", "request", "session", "today", "now"}


def _built_once() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted(HMS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {getattr(one, "id", "") for one in getattr(node, "decorator_list", ())}
            if "built_once" in names:
                yield f"{path.relative_to(HMS)}:{node.name}", node


STATEMENTS = dict(_built_once())


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_built_of_what_stays(name):
    read = {node.id for node in ast.walk(STATEMENTS[name]) if isinstance(node, ast.Name)}
    given = {argument.arg for argument in (*STATEMENTS[name].args.args, *STATEMENTS[name].args.kwonlyargs)}
    assert not (read - given) & CHANGING, f"{name} would keep for ever what it reads of {(read - given) & CHANGING}"


def test_the_busy_desks_build_their_statements_once():
    assert len(STATEMENTS) > 40
