"""Each message of success is compared, in a test of its desk, with the rows that its action wrote."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

HMS = Path(__file__).resolve().parents[2] / "hms"
TESTS = Path(__file__).resolve().parents[1]
CLAIMS = {"success", "undo"}
"""Categories of messages that say that something was done."""
TRANSLATES = {"_": 1, "gettext": 1, "ngettext": 2}
EXAMPLES = {"core/web/component_gallery.py"}
NO_CLAIMS = {"Line"}
"""Words that only stand inside another message."""


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    return (part for part in ast.walk(node) if isinstance(part, ast.Call))


def _claims(call: ast.Call) -> bool:
    """Whether the call shows a message of success."""
    if _name(call) == "flash_with_undo":
        return True
    if _name(call) != "flash" or len(call.args) != 2:
        return False
    return isinstance(call.args[1], ast.Constant) and call.args[1].value in CLAIMS


def _sentences(node: ast.AST) -> Iterator[str]:
    """The sentences of the catalogue in `node`."""
    for call in _calls(node):
        for argument in call.args[: TRANSLATES.get(_name(call), 0)]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def _said_by(tree: ast.Module) -> Iterator[str]:
    """The sentences that a module shows as done: in the call, in a variable or function that the call shows, or given to a
    function that shows its parameter."""
    functions = {part.name: part for part in ast.walk(tree) if isinstance(part, ast.FunctionDef)}
    showing: set[str] = set()
    for function in functions.values():
        claims = [call for call in _calls(function) if _claims(call)]
        names = {part.id for call in claims for part in ast.walk(call.args[0]) if isinstance(part, ast.Name)}
        for call in claims:
            yield from _sentences(call)
        for part in ast.walk(function):
            if isinstance(part, ast.Assign) and names & {getattr(target, "id", "") for target in part.targets}:
                yield from _sentences(part.value)
                names |= {name.id for name in ast.walk(part.value) if isinstance(name, ast.Name)}
        for name in names & functions.keys():
            yield from _sentences(functions[name])
        if names & {argument.arg for argument in function.args.args}:
            showing.add(function.name)
    for call in _calls(tree):
        if _name(call) in showing:
            yield from _sentences(call)


def _read(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _messages() -> set[str]:
    views = (path for path in HMS.rglob("*.py") if str(path.relative_to(HMS)) not in EXAMPLES)
    return {sentence for path in views for sentence in _said_by(_read(path))} - NO_CLAIMS


def _asserted() -> str:
    """All texts in the tests that compare messages with rows; a value that a test fills in is one blank."""
    texts = []
    for path in TESTS.rglob("test_said_and_done.py"):
        for part in ast.walk(_read(path)):
            if isinstance(part, ast.JoinedStr):
                texts.append("".join(str(v.value) if isinstance(v, ast.Constant) else " " for v in part.values))
            elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                texts.append(part.value)
    return "\n".join(texts)


def _pattern(message: str) -> re.Pattern[str]:
    """The message as a whole, or as a part of a longer one."""
    text = re.sub(r"%\\\(\w+\\\)[sd]", ".*", re.escape(message))
    return re.compile(rf"(?:^|\. ){text}(?:$|[:,] |\. )", re.MULTILINE)


def test_each_message_of_success_is_compared_with_its_rows():
    asserted, messages = _asserted(), _messages()
    assert len(messages) > 70, "The messages are written in another way than this test reads them."
    silent = sorted(message for message in messages if not _pattern(message).search(asserted))
    assert silent == [], "Post each in a test_said_and_done.py of its desk, and compare it with the rows."
