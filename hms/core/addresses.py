"""Addresses within the site, written from a pattern that is worked out once for each endpoint and its kind of values;
those of static files carry the hash of what is in them."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import current_app, request, url_for

_STANDS_FOR = 7_000_000_000_000_000
_patterns: dict[tuple[str, ...], str] = {}


def address(endpoint: str, **values: Any) -> str:
    """What `url_for` says; quicker when all values are whole numbers, as record ids are."""
    for name, value in values.items():
        if type(value) is not int or name[0] == "_":
            return url_for(endpoint, **values)
    if endpoint[0] == ".":
        endpoint = f"{request.blueprint}{endpoint}"
    known = (endpoint, *values)
    pattern = _patterns.get(known)
    if pattern is None:
        pattern = _patterns[known] = _pattern(endpoint, tuple(values))
    return pattern.format(*values.values()) if values else pattern


def _pattern(endpoint: str, names: tuple[str, ...]) -> str:
    """The address with a place for each value."""
    sample = {name: _STANDS_FOR + place for place, name in enumerate(names)}
    url = url_for(endpoint, **sample)
    if not names:
        return url
    url = url.replace("{", "{{").replace("}", "}}")
    for place, stands_for in enumerate(sample.values()):
        url = url.replace(str(stands_for), f"{{{place}}}")
    return url


def asset(name: str) -> str:
    """The address of a static file with its content's hash, so that browsers may keep it for ever."""
    path = Path(str(current_app.static_folder)) / name
    if not path.exists():
        return url_for("static", filename=name)
    return url_for("static", filename=name, v=_hash(path, path.stat().st_mtime))


@lru_cache(maxsize=256)
def _hash(path: Path, _changed: float) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=5).hexdigest()
