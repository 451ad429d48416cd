"""Home: the signed-in person's work lists of today, and the find box. It reads only."""

from __future__ import annotations
