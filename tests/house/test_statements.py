"""A kept statement (`@cache` on a function that builds a SELECT) must not hold what changes: the day, settings, the person."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

HMS = Path(__file__).resolve().parents[2] / "hms"
CHANGING = {"clock", "settings", "person", "current_user", "g", "request", "session", "reader_values"}


def _kept_statements() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted(HMS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and _is_kept(node):
                yield f"{path.relative_to(HMS)}:{node.name}", node


def _is_kept(function: ast.FunctionDef) -> bool:
    decorators = {ast.unparse(one) for one in function.decorator_list}
    return "cache" in decorators and "Select" in ast.unparse(function.returns or ast.Constant(None))


def test_a_kept_statement_is_built_of_what_stays():
    statements = dict(_kept_statements())
    assert len(statements) > 40
    for name, function in statements.items():
        given = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
        names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        assert not (names - given) & CHANGING, f"{name} would keep what it reads of {(names - given) & CHANGING}"


def test_a_kept_statement_takes_a_kind_of_reader_and_no_person():
    """A person's ids would be kept for the next reader; with a `ReaderKind` they are bound values of each execution."""
    annotations = {
        name: {ast.unparse(one.annotation) for one in function.args.kwonlyargs if one.annotation}
        for name, function in _kept_statements()
    }
    assert any("ReaderKind" in kinds for kinds in annotations.values())
    assert [name for name, kinds in annotations.items() if kinds & {"Reader", "Person"}] == []
