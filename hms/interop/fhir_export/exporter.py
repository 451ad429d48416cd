"""Exports the hospital's records as FHIR R4 bulk files, one file for each resource type, in the form that the import reads.

What came from elsewhere keeps its id; our own records are named `hms-` and their number. Withdrawn and merged
patients, open visits, drafts and what was entered in error are not exported. Vital signs are not exported either.
"""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

from hms.core.actions import action_context
from hms.core.audit import recording
from hms.core.person import SYSTEM

from . import queries
from .resources import WRITERS


def export(folder: Path) -> dict[str, int]:
    """Write `Patient.ndjson` and so on into `folder`, readable only by the account that runs this; returns the counts."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {kind: _write(folder, kind, *table_and_query) for kind, table_and_query in queries.queries().items()}
    with action_context("interop.export_fhir", SYSTEM):
        recording.record("interop.export_fhir", SYSTEM, details={"counts": counts})
    return counts


def _write(folder: Path, kind: str, table: Any, query: Any) -> int:
    """Write to a temporary file and rename it, so that no partial file remains."""
    path = folder / f"{kind}.ndjson"
    unfinished = path.with_suffix(".unfinished")
    count = 0
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        for row in queries.rows(table, query):
            resource = {"resourceType": kind, "id": row.name.partition("/")[2]} | WRITERS[kind](row)
            file.write(json.dumps(without_empty_values(resource), ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
    unfinished.replace(path)
    return count


def without_empty_values(value: Any) -> Any:
    """`value` without empty parts, which FHIR does not allow, and with dates as text; None when nothing is left."""
    if isinstance(value, dict):
        parts = {name: cleaned for name, part in value.items() if (cleaned := without_empty_values(part)) is not None}
        return parts or None
    if isinstance(value, list):
        return [cleaned for part in value if (cleaned := without_empty_values(part)) is not None] or None
    if isinstance(value, date):
        return value.isoformat()
    return None if value == "" else value
