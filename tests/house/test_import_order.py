"""Which file of a subject may import which; who may read the request; who may import blueprints and papers.

import-linter (pyproject.toml) holds the order of the desks and of the subjects of a desk.
"""

from __future__ import annotations

import ast
from pathlib import Path

import hms

ROOT = Path(__file__).resolve().parents[2]
LAYERS = (
    ("enums",),
    ("rules",),
    ("models",),
    ("queries", "api_queries"),
    ("actions",),
    ("jobs", "forms", "schemas"),
    ("views", "api"),
)
READS_THE_REQUEST = (
    "hms.core.",
    "hms.staff.login_security.",
    "hms.staff.sign_in.",
    "hms.staff.sessions.",
    "hms.staff.request_user",
    "hms.appointments.view_helpers",
    "hms.patients.access.policy",
)
"""Modules that may read the request besides pages, endpoints, forms and blueprints: they need the person or the address."""


def _modules() -> dict[str, Path]:
    found = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in (ROOT / "hms").rglob("*.py")}
    return {name.removesuffix(".__init__"): path for name, path in found.items()}


MODULES = _modules()


def _imports(name: str) -> set[str]:
    """The modules of the hospital that the module `name` imports."""
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*parents, *([node.module] if node.module else [])])
            for one in node.names:
                found |= {f"{source}.{one.name}", source} & MODULES.keys()
    return found


def _layer(name: str) -> int | None:
    base = name.rpartition(".")[2]
    return next((n for n, names in enumerate(LAYERS) for one in names if base == one or base.endswith(f"_{one}")), None)


def _is_outside(name: str) -> bool:
    """Whether it is pages or endpoints."""
    return _layer(name) == len(LAYERS) - 1


def test_files_of_a_subject_import_only_those_below_them():
    wrong = [
        f"{name} imports {other}"
        for name in MODULES
        for other in _imports(name)
        if name.rpartition(".")[0] == other.rpartition(".")[0]
        and None not in (_layer(name), _layer(other))
        and _layer(other) > _layer(name)  # type: ignore[operator]
    ]
    assert wrong == []


def test_actions_know_nothing_of_papers():
    wrong = [(n, other) for n in MODULES if n.endswith("actions") for other in _imports(n) if ".documents." in other]
    files = ("hms.core.documents", "hms.patients.documents")  # the latter are files that were uploaded
    assert [pair for pair in wrong if not pair[1].startswith(files)] == []


def test_only_pages_and_endpoints_import_blueprints():
    wrong = [
        (name, other)
        for name in MODULES
        for other in _imports(name)
        if other.endswith(".blueprints") and not _is_outside(name)
    ]
    assert wrong == []


def test_the_request_is_read_at_the_edge_only():
    wrong = [
        name
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and node.module == "flask"
        and {one.name for one in node.names} & {"request", "session"}
        and not _is_outside(name)
        and not name.endswith((".blueprints", ".forms", ".sockets"))
        and not name.startswith(READS_THE_REQUEST)
    ]
    assert [name for name in wrong if name != "hms.interop.offline.sync"] == []


NOT_OF_A_WEB_PROCESS = (
    *("hms.local", "hms.demo", "hms.schedule", "hms.core.outbox", "hms.core.db.roles"),
    "hms.interop.imports.reader_process",
)
"""Modules that other processes, commands and migrations import."""


def test_every_module_is_imported_by_somebody():
    """A module that registers something (a part of a page, an alert) does nothing until it is imported."""
    seen, left = set(), ["hms", "hms.core.startup"]
    left += [name for desk in (*hms.DESKS, "demo") for name in hms._modules(desk)]
    left += [name for name in MODULES if name.endswith(".commands")]
    while left:
        name = left.pop()
        if name in MODULES and name not in seen:
            seen.add(name)
            left += [*_imports(name), name.rpartition(".")[0]]
    assert [name for name in MODULES if name not in seen and not name.startswith(NOT_OF_A_WEB_PROCESS)] == []
