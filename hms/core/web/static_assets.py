"""Addresses of static files, with a hash of their content."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import current_app, url_for


def asset(name: str) -> str:
    """The address of a static file with the hash of its content, so that browsers may cache it without a limit."""
    path = Path(str(current_app.static_folder)) / name
    if not path.exists():
        return url_for("static", filename=name)
    return url_for("static", filename=name, v=_hash(path, path.stat().st_mtime))


@lru_cache(maxsize=256)
def _hash(path: Path, _changed: float) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=5).hexdigest()
