"""Finds and opens files of resources, plain or gzipped: NDJSON, and JSON documents."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from hms.core.text.translation import N_

from . import documents
from .ndjson import InvalidResource, Line

ENDINGS = (".ndjson", ".jsonl", ".json", ".gz")
ARCHIVES = (".tar.gz",)
MAX_LINE_LENGTH = 32 * 2**20
"""Bytes. A longer line is skipped without loading it."""
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


def files(path: Path) -> list[Path]:
    """The files to read: `path` itself whatever its name, or all files of resources in the folder and below, by name."""
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if _has_resources(file.name.lower()) and file.is_file())


def _has_resources(name: str) -> bool:
    return name.endswith(ENDINGS) and not name.endswith(ARCHIVES)


def lines(path: Path) -> Iterator[Line]:
    """The lines that are not blank, or the resources of a document.

    Raises `InvalidResource` where a compressed file is damaged, `OSError` when unreadable.
    """
    with path.open("rb") as raw:
        is_compressed = raw.peek(2)[:2] == _GZIP
        with gzip.GzipFile(fileobj=raw) if is_compressed else raw as stream:
            try:
                yield from _lines_of(stream)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise InvalidResource(
                    N_("the compressed file is damaged; nothing after this place could be read.")
                ) from error


def _lines_of(stream: IO[bytes]) -> Iterator[Line]:
    read = _split(stream)
    first = next(read, None)
    if first is not None and first.data is not None and documents.is_document(first.data):
        yield from documents.resources(first.data + b"\n" + stream.read(documents.MAX_DOCUMENT))
        return
    if first is not None:
        yield first
        yield from read


def _split(stream: IO[bytes]) -> Iterator[Line]:
    number = 0
    while data := stream.readline(MAX_LINE_LENGTH + 1):
        number += 1
        if len(data) > MAX_LINE_LENGTH:
            while data and not data.endswith(b"\n"):
                data = stream.readline(MAX_LINE_LENGTH)
            yield Line(number, None)
            continue
        data = data.removeprefix(_BOM).strip() if number == 1 else data.strip()
        if data:
            yield Line(number, data)
