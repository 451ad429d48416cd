"""Logs a problem that lasts once a minute, and not at each request that meets it."""

from __future__ import annotations

import logging
import time
from typing import Any

LOG_EVERY = 60.0
"""Seconds between two lines about the same problem, in one process."""
_last_logged: dict[str, float] = {}


def log_seldom(
    log: logging.Logger, problem: str, message: str, *values: Any, level: int = logging.WARNING, exc_info: bool = False
) -> None:
    """Log `message` unless a line about `problem` was logged within `LOG_EVERY`; `exc_info` adds the traceback."""
    now = time.monotonic()
    if now - _last_logged.get(problem, -LOG_EVERY) >= LOG_EVERY:
        _last_logged[problem] = now
        log.log(level, message, *values, exc_info=exc_info)
