"""What the supervisor says to the person at the terminal."""

from __future__ import annotations

import contextlib
import sys


def say(text: str) -> None:
    """Writes one message. A terminal that is gone does not stop the hospital from closing in order."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
