"""Exports the hospital's records as FHIR R4 bulk files, one file for each resource type, in the form that the import reads.

What came from elsewhere goes out as it came in, with its id; our own records are named `hms-`, the hospital's code and
their number. Withdrawn and merged patients, open visits, drafts and what was entered in error are not exported.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

from hms.core.actions import action_context
from hms.core.audit import recording
from hms.core.person import SYSTEM
from hms.interop import own_ids
from hms.interop.fhir.documents import dumps

from . import imported, queries
from .own_results import document, lab_result, vital_signs
from .relatives_and_consents import consent, related_person
from .resources import WRITERS


def export(folder: Path) -> dict[str, int]:
    """Write `Patient.ndjson` and so on into `folder`, readable only by the account that runs this; returns the counts."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {kind: _write(folder, kind, resources) for kind, resources in _resources().items()}
    with action_context("interop.export_fhir", SYSTEM):
        recording.record("interop.export_fhir", SYSTEM, details={"counts": counts})
    return counts


def _resources() -> dict[str, Iterator[dict[str, Any]]]:
    """The resources of every kind: imported ones as they came in, own ones from their columns."""
    code = own_ids.code()
    sources = {kind: _of_kind(kind, *source) for kind, source in queries.queries().items()}
    vitals, results = _own(queries.vitals(), vital_signs, code), _own(queries.lab_results(), lab_result, code)
    sources["Observation"] = chain(sources["Observation"], vitals, results)
    return sources | {
        "RelatedPerson": _own(queries.relatives(), related_person, code),
        "Consent": _own(queries.consents(), consent, code),
        "DocumentReference": _own(queries.documents(), document, code),
    }


def _of_kind(kind: str, table: Any, query: Any) -> Iterator[dict[str, Any]]:
    def write(row: Any) -> dict[str, Any]:
        return without_empty_values(WRITERS[kind](row))

    for row in queries.rows(table, query):
        if row.resource:
            yield imported.resource(kind, table, row, write)
        else:
            yield {"id": row.name.partition("/")[2]} | write(row)


def _own(source: Any, build: Callable[[Any, str], Iterator[dict[str, Any]]], code: str) -> Iterator[dict[str, Any]]:
    for row in queries.rows(*source):
        yield from (without_empty_values(resource) for resource in build(row, code))


def _write(folder: Path, kind: str, resources: Iterator[dict[str, Any]]) -> int:
    """Write to a temporary file and rename it, so that no partial file remains."""
    path = folder / f"{kind}.ndjson"
    unfinished = path.with_suffix(".unfinished")
    count = 0
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        for resource in resources:
            file.write(dumps({"resourceType": kind} | resource) + "\n")
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
