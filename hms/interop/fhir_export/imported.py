"""Resources that were imported go out as they came in, with what was changed here since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Table

from hms.interop.fhir import ndjson
from hms.interop.fhir.references import read_address

Resource = dict[str, Any]
_REFERENCES = {"subject": "patient", "patient": "patient", "encounter": "visit"}


def resource(kind: str, table: Table, row: Any, write: Callable[[Any], Resource]) -> Resource:
    """The stored resource of the row. `write` builds a resource from columns: parts that it writes otherwise than at the
    import are replaced."""
    kept = ndjson.resource(row.resource.encode())
    said = {name: _typed(table, name, value) for name, value in row.said.items() if name in table.c}
    if any(not _is_same(getattr(row, name), value) for name, value in said.items()):
        before, now = write(SimpleNamespace(**(row._asdict() | said))), write(row)
        for name in before.keys() | now.keys():
            if before.get(name) != now.get(name):
                kept.pop(name, None)
                kept |= {name: now[name]} if name in now else {}
    _refer(kept, row)
    return {"resourceType": kind} | kept | {"id": row.name.partition("/")[2]}


def _typed(table: Table, name: str, value: Any) -> Any:
    wanted = table.c[name].type.python_type
    if isinstance(value, str) and wanted in (date, datetime, Decimal):
        return Decimal(value) if wanted is Decimal else wanted.fromisoformat(value)
    return value


def _is_same(stored: Any, said: Any) -> bool:
    if isinstance(stored, datetime) and isinstance(said, datetime):
        return stored.astimezone(UTC) == said.astimezone(UTC)
    return stored == said


def _refer(kept: Resource, row: Any) -> None:
    """References to records that have another id in this export than at their source."""
    for name, column in _REFERENCES.items():
        _point(kept.get(name), getattr(row, column, None))
    clinician, source = getattr(row, "clinician", None), getattr(row, "clinician_source", None)
    performers = [part.get("individual") for part in kept.get("participant") or () if isinstance(part, dict)]
    for part in (kept.get("requester"), *performers):
        if clinician and source and _address(part) == source:
            _point(part, clinician)


def _address(part: Any) -> str:
    address = part.get("reference") if isinstance(part, dict) else None
    parsed = read_address(address, "") if isinstance(address, str) else None
    return parsed.external_id.removeprefix("/") if parsed else ""


def _point(part: Any, name: str | None) -> None:
    if name and isinstance(part, dict) and _address(part) and _address(part) not in (name, name.partition("/")[2]):
        part["reference"] = name
