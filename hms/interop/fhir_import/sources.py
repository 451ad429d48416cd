"""Tells sources apart: two of them may use the same id for two people.

The source is the name given to the import (`--source`), else the system of the patient's identifier. What is about a patient
has the patient's source. A record's name is "Patient/17", with a source "Patient/17 https://clinic.example/mrn".
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import func, select

from hms.core.db.session import db
from hms.core.text.translation import N_
from hms.interop.fhir import fields
from hms.interop.fhir.ndjson import InvalidResource
from hms.interop.models import SourceRecord
from hms.interop.own_ids import OwnIds

_SOURCE = SourceRecord.__table__
BASE_NAME = func.split_part(_SOURCE.c.external_id, " ", 1)
RECORD_NUMBER = "MR"
SHARED_NUMBERS = {"NI", "NIIP", "SS", "DL", "PPN", "TAX", "BC"}
"""Codes of identifier types (HL7 v2 table 0203) that several sources may have of one person."""
CHUNK = 500


class Candidate(NamedTuple):
    """A record imported before with the same type and id; `systems` are those of its identifiers."""

    source: str
    systems: frozenset[str]


def system_of(resource: dict[str, Any]) -> str:
    """The system that numbers the patient at its source; "" when there is none."""
    systems: list[tuple[bool, str]] = []
    for identifier in fields.parts(resource, "identifier"):
        kind, system = fields.status(identifier, "type"), fields.line(identifier, "system")
        if system and fields.line(identifier, "value") and kind not in SHARED_NUMBERS:
            systems.append((kind != RECORD_NUMBER, system))
    return min(systems, key=lambda pair: pair[0])[1] if systems else ""


class Sources:
    """The sources of one import. `note` first every patient and practitioner, then `settle`."""

    def __init__(self, name: str | None) -> None:
        self._name = name
        self._systems: dict[str, set[tuple[Path, str]]] = {}
        self._source_of: dict[tuple[str, str], str | None] = {}
        self.own = OwnIds()

    def note(self, file: Path, name: str, system: str) -> None:
        """Remember that the file has the patient or practitioner `name`, numbered by `system`."""
        self._systems.setdefault(name, set()).add((file, system))

    def settle(self) -> None:
        """Compare with the records imported before."""
        if self._name is not None:
            return
        everybody = iter(self._systems)
        while names := list(islice(everybody, CHUNK)):
            before = candidates(names)
            for name in names:
                for _file, system in self._systems[name]:
                    self._source_of[name, system] = _choose(system, before.get(name, []))

    def name_of_person(self, name: str, system: str) -> str:
        """The record's name of a patient or practitioner of this import."""
        if self._name is not None:
            return self._named(name, self._name)
        source = self._source_of.get((name, system), system)
        if source is None:
            raise _unclear(name)
        return self._named(name, source)

    def source_of(self, file: Path, name: str) -> str | None:
        """The source of a patient or practitioner named in `file`; None when this import does not have them."""
        if self._name is not None:
            return self._name
        noted = self._systems.get(name)
        if not noted:
            return None
        here = {system for where, system in noted if where == file} or {system for _where, system in noted}
        sources = {self._source_of.get((name, system), system) for system in here}
        if len(sources) > 1 or None in sources:
            raise _unclear(name)
        return sources.pop()

    def _named(self, name: str, source: str) -> str:
        return name if not source or self.own.record(name) else f"{name} {source}"

    def named(self, name: str, source: str | None) -> str:
        """The record's name for the id `name` at `source`."""
        return self._named(name, source or "")


def candidates(names: Iterable[str]) -> dict[str, list[Candidate]]:
    """The records imported before, by type and id."""
    query = select(_SOURCE.c.external_id, _SOURCE.c.identifiers).where(BASE_NAME.in_(list(names)))
    found: dict[str, list[Candidate]] = {}
    for external_id, identifiers in db.session.execute(query):
        name, _, source = external_id.partition(" ")
        systems = frozenset(identifier.rpartition("|")[0] for identifier in identifiers)
        found.setdefault(name, []).append(Candidate(source, systems))
    return found


def _choose(system: str, before: list[Candidate]) -> str | None:
    """The source of a resource with that system among the `before`; None when several could be meant."""
    if any(candidate.source == system for candidate in before):
        return system
    if not system:
        return before[0].source if len(before) == 1 else None if before else ""
    same = [candidate.source for candidate in before if system in candidate.systems or not candidate.systems - {""}]
    return same[0] if len(same) == 1 else system


def only_source(name: str, before: list[Candidate]) -> str:
    """The source of what was imported before under that name; `InvalidResource` when there are several."""
    if len(before) > 1:
        raise _unclear(name)
    return before[0].source if before else ""


def _unclear(name: str) -> InvalidResource:
    message = N_("%(name)s is somebody else at each of several sources. Import each source with its own --source NAME.")
    return InvalidResource(message, name=name)
