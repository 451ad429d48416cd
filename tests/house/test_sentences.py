"""Every sentence to translate is a literal, and its values are kept apart from it until it is shown.

What a person typed must never be looked up in the catalogue, marked as markup or read as a format.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

pytestmark = pytest.mark.security("J")

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MODULES = sorted((ROOT / "hms").rglob("*.py"))

SENTENCES = {
    **dict.fromkeys(("_", "_l", "N_", "gettext", "lazy_gettext"), 1),
    **dict.fromkeys(("ngettext", "lazy_ngettext", "pgettext", "lazy_pgettext"), 2),
    **dict.fromkeys(("npgettext", "lazy_npgettext"), 3),
}
"""How many of the first arguments are sentences."""
TRANSLATOR = "hms/core/web/localisation.py"
"""The only module that translates a variable: `translate`, for errors and for sentences with values."""
PLACE = re.compile(r"%\((\w+)\)[sd]")


def _where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def _given_by_itself(function: str) -> set[str]:
    """The number of `ngettext` is a value of the sentence without being passed by name."""
    return {"num"} if "ngettext" in function else set()


def _stray_percent(words: str) -> bool:
    return "%" in PLACE.sub("", words).replace("%%", "")


def _faults_of_template(path: Path) -> Iterator[str]:
    page = Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
    for call in page.find_all(nodes.Call):
        if not (isinstance(call.node, nodes.Name) and call.node.name in SENTENCES):
            continue
        words = call.args[: SENTENCES[call.node.name]]
        where = _where(path, call.lineno)
        if not words or not all(isinstance(one, nodes.Const) and isinstance(one.value, str) for one in words):
            yield f"{where}: {call.node.name}() of something that is no literal"
            continue
        places = {name for one in words for name in PLACE.findall(one.value)} - _given_by_itself(call.node.name)
        given = {pair.key for pair in call.kwargs}
        if call.dyn_kwargs is not None or places != given:
            yield f"{where}: the values of {words[0].value!r} are {sorted(given)}"
        if any(_stray_percent(one.value) for one in words):
            yield f"{where}: write %% for the sign in {words[0].value!r}"


def test_templates_translate_literals_only_and_give_each_its_values():
    faults = [fault for path in TEMPLATES for fault in _faults_of_template(path)]
    assert faults == []


def _called(node: ast.AST) -> str:
    """The name of the translating function that `node` calls, or nothing."""
    if not isinstance(node, ast.Call):
        return ""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name if name in SENTENCES else ""


def _literals(call: ast.Call) -> list[str] | None:
    words = call.args[: SENTENCES[_called(call)]]
    if not words or not all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in words):
        return None
    return [one.value for one in words]  # type: ignore[attr-defined]


def _is_sentence(node: ast.AST | None) -> bool:
    """Whether an expression is a sentence of the catalogue, or a choice of several."""
    if isinstance(node, ast.IfExp):
        return _is_sentence(node.body) or _is_sentence(node.orelse)
    if isinstance(node, ast.BoolOp):
        return any(map(_is_sentence, node.values))
    if isinstance(node, ast.Dict):
        return any(map(_is_sentence, node.values))
    return node is not None and bool(_called(node))


def _hidden_in_text(tree: ast.Module) -> Iterator[ast.Call]:
    """Sentences inside an f-string, where Babel's extractor does not look (it would from Python 3.12 on)."""
    for text in (node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)):
        yield from (node for node in ast.walk(text) if _called(node))  # type: ignore[misc]


def _names_of_sentences(tree: ast.Module) -> set[str]:
    """The names of a module's sentences: `told = _("…")`."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and _is_sentence(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def _faults_of_call(path: Path, call: ast.Call) -> Iterator[str]:
    where = _where(path, call.lineno)
    words = _literals(call)
    if words is None:
        if str(path.relative_to(ROOT)) != TRANSLATOR:
            yield f"{where}: {_called(call)}() of something that is no literal"
        return
    places = {name for one in words for name in PLACE.findall(one)} - _given_by_itself(_called(call))
    given = {pair.arg for pair in call.keywords}
    if given and places != given:
        yield f"{where}: the values of {words[0]!r} are {sorted(map(str, given))}"
    if given and _called(call).startswith(("_l", "lazy")):
        yield f"{where}: a lazy sentence is printed as markup, so it takes no values: use Sentence"
    if (places or given) and any(_stray_percent(one) for one in words):
        yield f"{where}: write %% for the sign in {words[0]!r}"


def _faults_of_holder(path: Path, call: ast.Call) -> Iterator[str]:
    """A sentence with placeholders is passed together with its values: `RuleBroken(_("…"), due=…)`."""
    if _called(call) or not call.args or not _called(call.args[0]):
        return
    sentence: ast.Call = call.args[0]  # type: ignore[assignment]
    if sentence.keywords or not (words := _literals(sentence)):
        return
    missing = {name for one in words for name in PLACE.findall(one)} - {pair.arg for pair in call.keywords}
    if missing and not any(pair.arg is None for pair in call.keywords):
        yield f"{_where(path, call.lineno)}: {sorted(missing)} of {words[0]!r} are not given"


def _faults_of_module(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = _names_of_sentences(tree)
    for call in _hidden_in_text(tree):
        yield f"{_where(path, call.lineno)}: {_called(call)}() in an f-string is not collected for translation"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if _called(node):
                yield from _faults_of_call(path, node)
            yield from _faults_of_holder(path, node)
            if isinstance(node.func, ast.Attribute) and node.func.attr == "format" and _is_sentence(node.func.value):
                yield f"{_where(path, node.lineno)}: a sentence is formatted before it is translated"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            left = node.left
            is_named = isinstance(left, ast.Name) and (left.id in named or isinstance(node.right, ast.Dict))
            if is_named or _is_sentence(left):
                yield f"{_where(path, node.lineno)}: a sentence is formatted before it is translated"


def test_code_translates_literals_only_and_keeps_their_values_apart():
    faults = [fault for path in MODULES for fault in _faults_of_module(path)]
    assert faults == []


def _refusals() -> set[str]:
    """The names of all error classes."""
    classes = [
        (node.name, {getattr(base, "attr", getattr(base, "id", "")) for base in node.bases})
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    known = {"DomainError", "Sentence", "TextError"}
    while more := {name for name, bases in classes if known & bases} - known:
        known |= more
    return known


def _translating(tree: ast.Module) -> set[str]:
    """The names in a module of the functions that translate at once, in the language of the request."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "flask_babel"
        for alias in node.names
        if alias.name in SENTENCES and not alias.name.startswith("lazy")
    }


def _is_translated(node: ast.AST, translating: set[str]) -> bool:
    calls = (call for call in ast.walk(node) if isinstance(call, ast.Call))
    return any(getattr(call.func, "id", "") in translating for call in calls)


RESERVED = {"message", "field", "code"}
"""Named arguments of errors; a placeholder with such a name would get the wrong value."""


def _faults_of_refusals(path: Path, names: set[str]) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    translating = _translating(tree)
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") in names and call.args):
            continue
        sentence = call.args[0]
        places = {name for one in ast.walk(sentence) for name in PLACE.findall(str(getattr(one, "value", "")))}
        if places & RESERVED:
            yield f"{_where(path, call.lineno)}: {sorted(places & RESERVED)} would be taken for arguments: name them otherwise"
        is_made = isinstance(sentence, (ast.JoinedStr, ast.BinOp)) or (
            isinstance(sentence, ast.Call) and getattr(sentence.func, "id", "") == "str"
        )
        if _is_translated(sentence, translating):
            yield f"{_where(path, call.lineno)}: a refusal keeps the sentence of the catalogue: mark it with core.words"
        if is_made or (_called(sentence) and sentence.keywords):  # type: ignore[attr-defined]
            yield f"{_where(path, call.lineno)}: give the sentence and its values apart"


def test_refusals_keep_their_sentence_and_its_values_apart():
    names = _refusals()
    assert {"RuleBroken", "LockedOut", "PossibleDuplicate"} <= names
    assert [fault for path in MODULES for fault in _faults_of_refusals(path, names)] == []


TELLERS = ("notify", "notify_everyone_with", "tell")
"""Functions of `hms.messages.actions` and `hms.staff.notifier` that store a title and a message."""


def _stored_translated(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    translating = _translating(tree)
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or getattr(call.func, "attr", getattr(call.func, "id", "")) not in TELLERS:
            continue
        for said in (pair for pair in call.keywords if pair.arg in ("title", "message")):
            if _is_translated(said.value, translating):
                yield f"{_where(path, call.lineno)}: {said.arg} is stored in the language of whoever sent the request"


def test_what_people_are_told_is_stored_in_english():
    assert [fault for path in MODULES for fault in _stored_translated(path)] == []


def test_the_extractor_knows_every_name_that_sentences_are_marked_with():
    """`make messages` collects `_`, `_l`, `N_` and gettext's own names; another name would leave its sentences out."""
    other = [
        f"{path.relative_to(ROOT)}: {alias.name} as {alias.asname}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in SENTENCES and alias.asname not in (None, "_", "_l", "N_")
    ]
    assert other == []
