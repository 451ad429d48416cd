"""Log lines about a fault that lasts: one line a minute in each process."""

from __future__ import annotations

import logging
import time

LOG_EVERY = 60.0
"""Seconds between two lines about the same problem."""
_last_logged: dict[str, float] = {}


def log_seldom(log: logging.Logger, problem: str, message: str, *values: object) -> None:
    """Log a warning about `problem`, once a minute in this process."""
    now = time.monotonic()
    if now - _last_logged.get(problem, -LOG_EVERY) >= LOG_EVERY:
        _last_logged[problem] = now
        log.warning(message, *values)
