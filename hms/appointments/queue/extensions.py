"""Notes that other desks add to the rows of the queue, such as vitals out of range."""

from __future__ import annotations

from collections.abc import Callable, Iterable

NoteSource = Callable[[list[int]], dict[int, str]]

_sources: list[NoteSource] = []


def add_note_source(source: NoteSource) -> None:
    """Register `source`, called once for each board: it takes ids of queue entries and returns {id: text or markup}."""
    if source not in _sources:
        _sources.append(source)


def collect_notes(entry_ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """The notes of all sources by entry id."""
    ids, notes = list(entry_ids), {}
    for source in _sources if ids else ():
        for entry_id, text in source(ids).items():
            notes[entry_id] = (*notes.get(entry_id, ()), text)
    return notes
