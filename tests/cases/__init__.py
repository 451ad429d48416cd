"""Typed dates and numbers and what they mean: one file for the Python readers and the scripts of the pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def load_cases(name: str) -> dict[str, Any]:
    """The tables of `<name>.json` by their names; the file describes its columns."""
    return json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))
