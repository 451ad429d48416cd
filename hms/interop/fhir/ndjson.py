"""Reads NDJSON files, plain or gzipped, into resources. The content is not trusted."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, NamedTuple

from hms.core.text.translation import N_, Sentence

ENDINGS = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
MAX_LINE_LENGTH = 32 * 2**20
"""Bytes. A longer line is skipped without loading it."""
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


class InvalidResource(Exception):
    """A line or resource cannot be imported. The message follows the file and line; `values` fill its placeholders."""

    def __init__(self, message: str, /, **values: object) -> None:
        super().__init__(str(Sentence(message, **values)))


class Line(NamedTuple):
    """One line of a file, counted from 1. `data` is None when it was too long to be read."""

    number: int
    data: bytes | None


def files(path: Path) -> list[Path]:
    """The files to read: `path` itself whatever its name, or all NDJSON files in the folder and below, by name."""
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.name.lower().endswith(ENDINGS) and file.is_file())


def lines(path: Path) -> Iterator[Line]:
    """The lines that are not blank. Raises `InvalidResource` where a compressed file is damaged, `OSError` when unreadable."""
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


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) != len(pairs):
        raise InvalidResource(N_("it gives the same name twice in one object, so it is not clear which value counts."))
    return parsed


def _no_number(word: str) -> Any:
    raise InvalidResource(N_("it holds %(word)s, which JSON does not allow as a number."), word=word)


_decoder = json.JSONDecoder(object_pairs_hook=_each_name_once, parse_float=Decimal, parse_constant=_no_number)


def resource(data: bytes | None) -> dict[str, Any]:
    """The JSON object in a line, decimals as `Decimal`; `InvalidResource` when the line is no JSON object."""
    if data is None:
        raise InvalidResource(N_("the line is longer than 32 MB."))
    try:
        parsed = _decoder.decode(data.decode())
    except UnicodeDecodeError as error:
        raise InvalidResource(N_("it is not UTF-8 text.")) from error
    except RecursionError as error:
        raise InvalidResource(N_("it is nested too deeply.")) from error
    except (ValueError, ArithmeticError) as error:
        raise InvalidResource(N_("it is not JSON, or not all of one resource.")) from error
    if not isinstance(parsed, dict):
        raise InvalidResource(N_("it is JSON, but not a resource."))
    return parsed


def kind(parsed: dict[str, Any]) -> str:
    """The resource's type, e.g. "Patient"; `InvalidResource` when it has none."""
    name = parsed.get("resourceType")
    if not isinstance(name, str) or not (name.isascii() and name.isalpha() and len(name) <= 60):
        raise InvalidResource(N_("it does not say what it is (resourceType)."))
    return name
