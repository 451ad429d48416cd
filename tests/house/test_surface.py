"""The external surface does not change: addresses, API document, tables, commands, jobs, events, names in the trail.

Each is compared with a file of `tests/house/surface/`. After an intended change, write the files again and read the
difference: `HMS_RENEW_SURFACE=1 pytest tests/house/test_surface.py`.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from types import FunctionType

import pytest
from sqlalchemy import text

import hms
from hms.admin.audit_trail.action_labels import ACTION_LABELS
from hms.core.background.outbox import _JOBS
from hms.core.db.session import db as database
from hms.core.events import Event
from hms.core.settings.definitions import SETTINGS

FILES = Path(__file__).with_name("surface")

COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
           pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p')
        AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY 1, 2"""
CONSTRAINTS = """
    SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
TRIGGERS = "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
FUNCTIONS = """
    SELECT p.proname, md5(pg_get_functiondef(p.oid)) FROM pg_proc p LEFT JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
    WHERE p.pronamespace = 'public'::regnamespace AND d.objid IS NULL AND p.prokind = 'f' ORDER BY 1, 2"""


def _compare(name: str, lines: Iterable[str]) -> None:
    file, today = FILES / name, "\n".join(lines) + "\n"
    if os.environ.get("HMS_RENEW_SURFACE"):
        file.write_text(today, encoding="utf-8")
    stored = file.read_text(encoding="utf-8").splitlines()
    assert stored == today.splitlines(), f"{name} changed. If it should, see the first lines of this test."


def test_addresses_and_names_of_endpoints(app):
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))
    _compare(
        "addresses.txt",
        (f"{rule.rule} {','.join(sorted(rule.methods - {'HEAD', 'OPTIONS'}))} {rule.endpoint}" for rule in rules),
    )


def test_the_document_of_the_api(program):
    document = program(None).get("/api/openapi.json").get_json()
    _compare("openapi.json", json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False).splitlines())


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("columns.txt", COLUMNS),
        ("constraints.txt", CONSTRAINTS),
        ("indexes.txt", INDEXES),
        ("triggers.txt", TRIGGERS),
        ("functions.txt", FUNCTIONS),
    ],
)
def test_the_schema(db, name, query):
    rows = database.session.execute(text(query))
    _compare(name, (" | ".join("" if value is None else str(value) for value in row) for row in rows))


def test_commands_jobs_events_settings(app):
    commands = (f"command {name}" for name in sorted(app.cli.commands))
    jobs = (f"job {kind}" for kind in sorted(_JOBS))
    events = (f"event {event.value}" for event in sorted(Event))
    settings = (f"setting {key}" for key in sorted(SETTINGS))
    _compare("names.txt", (*commands, *jobs, *events, *settings))


def test_names_in_the_trail(app):
    """The names of all actions, and those with labels: old entries have them."""
    paths = (found.name for found in pkgutil.walk_packages(hms.__path__, "hms."))
    modules = [importlib.import_module(path) for path in paths if not path.startswith("hms.local")]
    functions = (value for module in modules for value in vars(module).values() if isinstance(value, FunctionType))
    names = {function.audited_as for function in functions if hasattr(function, "audited_as")}
    _compare("trail.txt", sorted(names | set(ACTION_LABELS)))
