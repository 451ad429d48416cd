"""Imports files in two passes: first find the type of each line, then import type by type, in any order of files.

Files are read line by line; of each line only one byte is remembered. Nothing is kept in memory but the batch in hand
and the names of medicines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from hms.core.text.translation import N_
from hms.interop.fhir import files, ndjson
from hms.interop.fhir.completeness import complete
from hms.interop.fhir.documents import dumps
from hms.interop.fhir.fields import resource_id
from hms.interop.fhir.ndjson import InvalidResource, Line
from hms.interop.fhir.references import reference

from . import medication_request
from .items import ImportItem
from .resource_types import BY_NAME, MEDICATION, RESOURCE_TYPES, ResourceType, entered_in_error
from .sources import Sources, system_of
from .store import store

BATCH = 500
PEOPLE = ("Patient", "Practitioner")
OUTCOMES = ("created", "unchanged", "updated", "skipped")
_OTHER = 255
_MAX_NAMES = 300


class Watcher(Protocol):
    """Receives progress and messages of an import: a terminal, a log, a test."""

    def begin(self, label: str, total: int) -> None: ...

    def advance(self, count: int) -> None: ...

    def report(self, message: str) -> None: ...


@dataclass
class Summary:
    """Number of resources by type and outcome, and number of lines of other types."""

    counts: dict[str, Counter[str]] = field(default_factory=lambda: {kind.name: Counter() for kind in RESOURCE_TYPES})
    not_used: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0

    @property
    def found(self) -> int:
        """The number of resources of the imported types."""
        return sum(sum(count.values()) for count in self.counts.values())


class Import:
    """One run over a file or folder. `run` returns the summary; skipped lines are reported to `watcher` at once."""

    def __init__(self, path: Path, watcher: Watcher, source: str | None = None) -> None:
        self.files = files.files(path)
        self.watcher = watcher
        self._source = source
        self.summary = Summary()
        self._marks: dict[Path, bytearray] = {}
        self._medicines: dict[str, str] = {}

    def run(self) -> Summary:
        self._sources = Sources(self._source)
        self.watcher.begin(N_("Reading"), sum(file.stat().st_size for file in self.files))
        for file in self.files:
            self._marks[file] = bytearray()
            self._read_types(file)
            self.watcher.advance(file.stat().st_size)
        self._sources.settle()
        for place, kind in enumerate(RESOURCE_TYPES):
            total = sum(marks.count(place) for marks in self._marks.values())
            if total:
                self.watcher.begin(kind.name, total)
                self._import_kind(kind, place)
        return self.summary

    def _report(self, file: Path, number: int, why: str) -> None:
        self.watcher.report(f"{printable_name(file)}:{number}: {why}")

    def _lines(self, file: Path, *, reports: bool) -> Iterator[Line]:
        number = 0
        try:
            for line in files.lines(file):
                number = line.number
                yield line
        except (InvalidResource, OSError) as error:
            if reports:
                why = str(error) if isinstance(error, InvalidResource) else N_("the file could not be read.")
                self._unreadable(file, number + 1, why)

    def _unreadable(self, file: Path, number: int, why: str) -> None:
        self.summary.unreadable += 1
        self._report(file, number, why)

    def _read_types(self, file: Path) -> None:
        """Store the type of each line in `_marks`, as its index in `RESOURCE_TYPES`."""
        marks = self._marks[file]
        for line in self._lines(file, reports=True):
            marks.extend(bytes([_OTHER]) * (line.number - len(marks)))
            try:
                marks.append(self._mark(file, line))
            except InvalidResource as error:
                self._unreadable(file, line.number, str(error))

    def _mark(self, file: Path, line: Line) -> int:
        resource = ndjson.resource(line.data)
        name = ndjson.kind(resource)
        if name in PEOPLE:
            self._note_source(file, name, resource)
        if name in BY_NAME:
            return RESOURCE_TYPES.index(BY_NAME[name])
        if name == MEDICATION:
            self._medicines[f"{MEDICATION}/{resource_id(resource)}"] = medication_request.medication_name(resource)
        is_listed = name in self.summary.not_used or len(self.summary.not_used) < _MAX_NAMES
        self.summary.not_used[name if is_listed else N_("Other")] += 1
        return _OTHER

    def _note_source(self, file: Path, kind: str, resource: dict[str, Any]) -> None:
        try:
            self._sources.note(file, f"{kind}/{resource_id(resource)}", system_of(resource))
        except InvalidResource:
            return  # the line is reported when it is imported

    def _import_kind(self, kind: ResourceType, place: int) -> None:
        items = self._items(kind, place)
        while batch := list(islice(items, BATCH)):
            for part in _without_repeats(batch, by_identifier=kind.name == "Patient"):
                store(kind, part, self._sources)
            self._count(kind, batch)

    def _items(self, kind: ResourceType, place: int) -> Iterator[ImportItem]:
        for file, marks in self._marks.items():
            if place not in marks:
                continue
            for line in self._lines(file, reports=False):
                is_of_kind = line.number < len(marks) and marks[line.number] == place
                if is_of_kind and (item := self._item(kind, file, line)) is not None:
                    yield item

    def _item(self, kind: ResourceType, file: Path, line: Line) -> ImportItem | None:
        name = kind.name
        try:
            resource = ndjson.resource(line.data)
            name = f"{kind.name}/{resource_id(resource)}"
            values = None if entered_in_error(resource) else kind.read(resource, self._medicines)
            item = ImportItem(
                file,
                line.number,
                name,
                values,
                kind.read_identifiers(resource),
                text=_text(kind.name, resource, values),
            )
            if kind.name in PEOPLE:
                item.external_id = self._sources.name_of_person(name, system_of(resource))
            else:
                item.patient = reference(resource, kind.patient_field, "Patient")
            return item
        except (InvalidResource, RecursionError) as error:
            why = str(error) if isinstance(error, InvalidResource) else N_("it is nested too deeply.")
            self._skip(kind, printable_name(file), line.number, name, why)
            self.watcher.advance(1)
            return None

    def _skip(self, kind: ResourceType, file: str, number: int, name: str, why: str) -> None:
        self.summary.counts[kind.name]["skipped"] += 1
        self.watcher.report(f"{file}:{number}: {name} was skipped: {why}")

    def _count(self, kind: ResourceType, items: list[ImportItem]) -> None:
        for item in items:
            if item.outcome == "skipped":
                self._skip(kind, printable_name(item.file), item.line, item.external_id.partition(" ")[0], item.why)
            else:
                self.summary.counts[kind.name][item.outcome] += 1
        self.watcher.advance(len(items))


def _without_repeats(items: list[ImportItem], *, by_identifier: bool) -> Iterator[list[ImportItem]]:
    """The items in runs in which no resource occurs twice, so that a later state is stored after the earlier one.

    With `by_identifier`, two resources with the same identifier are the same one.
    """
    run: list[ImportItem] = []
    seen: set[str] = set()
    for item in items:
        names = {item.external_id, *(item.identifiers if by_identifier else ())}
        if names & seen:
            yield run
            run, seen = [], set()
        run.append(item)
        seen |= names
    yield run


def _text(kind: str, resource: dict[str, Any], values: dict[str, Any] | None) -> str:
    """The whole resource as JSON, to be exported as it came in."""
    text = dumps(complete(kind, resource, medicine=(values or {}).get("medication_name")))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidResource(N_("it holds characters that cannot be stored.")) from error
    return text


def printable_name(file: Path) -> str:
    """The file's name without control characters."""
    return "".join(c if c.isprintable() else "?" for c in str(file))
