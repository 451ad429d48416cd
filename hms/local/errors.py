"""The one way the embedded servers say that they cannot run here."""

from __future__ import annotations


class LocalServersFailed(Exception):
    """Says in one sentence what is wrong on this machine and what to do about it."""
