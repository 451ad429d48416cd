"""Imports for tests: a watcher that remembers, files written on the spot, the real export where it is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import text

from hms.core.db.session import db
from hms.interop.fhir_import.importer import Import, Summary

HERE = Path(__file__).resolve().parent
HAND_MADE = HERE / "data"
REAL = HERE.parents[2] / "shared" / "data" / "fhir-10-patients"
"""A Synthea export of thirteen patients, beside the repository; where it is missing the hand-made set stands in."""
TABLES = "patient app_user encounter condition allergy prescription immunization observation source_record audit_entry"


class ReportedMessages:
    """A watcher that remembers what was reported."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begin(self, label: str, total: int) -> None: ...

    def advance(self, count: int) -> None: ...

    def report(self, message: str) -> None:
        self.told.append(message)


def imported(path: Path) -> tuple[Summary, list[str]]:
    """What the import of `path` counted and what it reported."""
    reported = ReportedMessages()
    return Import(path, reported).run(), reported.told


def export(folder: Path, *resources: dict[str, Any] | str | bytes, name: str = "export.ndjson") -> Path:
    """A file with one resource a line; text and bytes stand as they are."""
    lines = [one if isinstance(one, str | bytes) else json.dumps(one) for one in resources]
    path = folder / name
    path.write_bytes(b"\n".join(one.encode() if isinstance(one, str) else one for one in lines) + b"\n")
    return path


def patient(own_id: Any = "p1", /, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": own_id, "name": [{"family": "Kargbo", "given": ["Fatmata"]}]} | more


def resource_of_patient(kind: str, name: str, patient_id: str = "p1", **more: Any) -> dict[str, Any]:
    """A resource of `kind` about a patient."""
    field = "patient" if kind in ("AllergyIntolerance", "Immunization") else "subject"
    return {"resourceType": kind, "id": name, field: {"reference": f"Patient/{patient_id}"}} | more


def fingerprints(tables: Iterable[str] = TABLES.split()) -> dict[str, tuple[int, str]]:
    """The number of rows of each table and a digest of everything in them."""
    found = {}
    for name in tables:
        query = f"SELECT count(*), md5(coalesce(string_agg(t::text, '|' ORDER BY id), '')) FROM {name} t"  # noqa: S608
        found[name] = tuple(db.session.execute(text(query)).one())
    return found
