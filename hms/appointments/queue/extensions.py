"""What desks above this one add to the queue board: words about a waiting person, such as vitals out of range."""

from __future__ import annotations

from collections.abc import Callable, Iterable

NoteSource = Callable[[list[int]], dict[int, str]]

_sources: list[NoteSource] = []


def add_note_source(source: NoteSource) -> None:
    """Have `source` asked once for each board: it takes ids of queue entries and answers {id: words or markup}."""
    if source not in _sources:
        _sources.append(source)


def collect_notes(entry_ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """What every source says about the entries, by entry."""
    ids, said = list(entry_ids), {}
    for source in _sources if ids else ():
        for entry_id, text in source(ids).items():
            said[entry_id] = (*said.get(entry_id, ()), text)
    return said
