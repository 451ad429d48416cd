"""Home: the signed-in person's desk of the day and the find box. Reads only."""

from __future__ import annotations
