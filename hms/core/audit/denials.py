"""Refusals in the trail, bounded: whoever is refused again and again fills neither the table nor the disk.

At most `MAX_COUNT` entries a minute are written for one person (or, when nobody is signed in, one address) by one process;
what comes beyond is counted, and the count is in the next entry that is written.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from flask import g, has_request_context, request

from hms.core.db.session import db
from hms.core.person import Person

from . import recording

MAX_COUNT = 30
WINDOW = 60.0
MAX_KNOWN = 10_000


class DenialThrottle:
    """Counts by key: which refusal of the last minute this is, and how many before it were not written."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[float, int, int]] = {}
        self._lock = threading.Lock()

    def admits(self, key: Any) -> int | None:
        """None when this one is only counted; else how many were only counted since the last that was written."""
        now = time.monotonic()
        with self._lock:
            began, written, passed = self._known.get(key, (now, 0, 0))
            if now - began > WINDOW:
                began, written = now, 0
            if written >= MAX_COUNT:
                self._known[key] = (began, written, passed + 1)
                return None
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[key] = (began, written + 1, 0)
            return passed


_throttle = DenialThrottle()


def reset_throttle() -> None:
    """Count anew, as a process that has just begun."""
    global _throttle
    _throttle = DenialThrottle()


def record_denial(by: Person | None, what: str, *, patient_id: int | None = None, because: str = "") -> None:
    """Write that `by` was refused `what` (an endpoint), in a transaction of its own; `because` is the refusal's code."""
    db.session.rollback()
    passed = _throttle.admits(_key(by))
    if passed is None:
        return
    details: dict[str, Any] = {"what": what}
    if has_request_context():
        details |= {"method": request.method, "path": request.path[:200]}
    details |= {"because": because} if because else {}
    details |= {"not_written_before": passed} if passed else {}
    recording.record("authz.denied", by, outcome="denied", patient_id=patient_id, details=details)
    db.session.commit()


def _key(by: Person | None) -> Any:
    if by is not None and by.is_authenticated:
        return by.id
    return request.remote_addr if has_request_context() else g.get("request_id", "-")
