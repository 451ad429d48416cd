"""The error raised when the hospital cannot run on this machine."""

from __future__ import annotations


class LocalServersFailed(Exception):
    """Its message says what is wrong on this machine and what to do; it is shown without a traceback."""
