"""The resources of a batch, and their names by the source of their patients."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hms.interop.fhir.ndjson import InvalidResource
from hms.interop.fhir.references import Reference

from . import resolve_references
from .sources import Sources, candidates, only_source


@dataclass(eq=False)
class ImportItem:
    """One resource to import. `values` is None when the source marked it as entered in error; `outcome` is one of `OUTCOMES`.

    `external_id` is "Condition/7" until the source of its `patient` is known, then the record's name. `text` is the whole
    resource. `same_as` is the name by which the same person was imported first.
    """

    file: Path
    line: int
    external_id: str
    values: dict[str, Any] | None
    identifiers: list[str] = field(default_factory=list)
    text: str = ""
    patient: Reference | None = None
    outcome: str = ""
    why: str = ""
    record_id: int | None = None
    same_as: str | None = None
    said: dict[str, Any] | None = None
    is_text_known: bool = False
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def base_name(self) -> str:
        """The type and id, without the source."""
        return self.external_id.partition(" ")[0]

    def skip(self, why: str) -> None:
        self.outcome, self.why = "skipped", why


def name_by_source(items: list[ImportItem], sources: Sources) -> None:
    """Give items and references the names of their patients' sources."""
    by_identifier = resolve_references.by_identifier(
        [item.patient for item in items if item.patient and not item.patient.external_id and item.patient.identifier]
    )
    names = {item.external_id for item in items if item.patient is None}
    names |= {ref.external_id for item in items for ref in _references(item)}
    before = candidates(name for name in names if name)
    for item in items:
        try:
            source = _source_of(item, by_identifier, before, sources)
            item.external_id = sources.named(item.external_id, source)
            _name_references(item, source, before, sources)
        except InvalidResource as error:
            item.skip(str(error))


def _references(item: ImportItem) -> list[Reference]:
    refs = [value for value in (item.values or {}).values() if isinstance(value, Reference)]
    return [*refs, item.patient] if item.patient else refs


def _source_of(item: ImportItem, by_identifier: Any, before: Any, sources: Sources) -> str:
    patient = item.patient
    if patient is None:
        return only_source(item.external_id, before.get(item.external_id, []))
    if not patient.external_id:
        return by_identifier.get(patient, "").partition(" ")[2]
    source = sources.source_of(item.file, patient.external_id)
    return only_source(patient.external_id, before.get(patient.external_id, [])) if source is None else source


def _name_references(item: ImportItem, source: str, before: Any, sources: Sources) -> None:
    for field_name, ref in (item.values or {}).items():
        if not isinstance(ref, Reference) or not ref.external_id:
            continue
        its_source: str | None = source
        if ref.kind == "Practitioner":
            its_source = sources.source_of(item.file, ref.external_id)
            if its_source is None:
                its_source = only_source(ref.external_id, before.get(ref.external_id, []))
        item.values[field_name] = ref._replace(external_id=sources.named(ref.external_id, its_source))
