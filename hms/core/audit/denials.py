"""Records denials in the audit trail, with a limit so that repeated denials cannot fill the table.

One process writes at most `MAX_COUNT` entries a minute for one person (or one address when nobody is signed in). Further
denials are only counted; the next entry written holds the count.
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
    """Counts the denials of each key (person or address) in a minute: those recorded and those only counted."""

    def __init__(self) -> None:
        self._counts: dict[Any, tuple[float, int, int]] = {}
        self._lock = threading.Lock()

    def may_record(self, key: Any) -> bool:
        """Count a denial of `key`: as recorded (True), or as unrecorded when the limit of this minute is reached."""
        now = time.monotonic()
        with self._lock:
            began, recorded, unrecorded = self._counts.get(key, (now, 0, 0))
            if now - began > WINDOW:
                began, recorded = now, 0
            if recorded >= MAX_COUNT:
                self._counts[key] = (began, recorded, unrecorded + 1)
                return False
            if len(self._counts) >= MAX_KNOWN:
                self._counts.clear()
            self._counts[key] = (began, recorded + 1, unrecorded)
            return True

    def take_unrecorded(self, key: Any) -> int:
        """How many denials of `key` were only counted since this was last called."""
        with self._lock:
            began, recorded, unrecorded = self._counts.get(key, (time.monotonic(), 0, 0))
            if unrecorded:
                self._counts[key] = (began, recorded, 0)
            return unrecorded


_throttle = DenialThrottle()


def reset_throttle() -> None:
    """Forget all counts; for tests."""
    global _throttle
    _throttle = DenialThrottle()


def record_denial(by: Person | None, what: str, *, patient_id: int | None = None, because: str = "") -> None:
    """Record that `by` was denied `what` (an endpoint); `because` is the error's code. Rolls back, then commits its own entry."""
    db.session.rollback()
    key = _key(by)
    if not _throttle.may_record(key):
        return
    details: dict[str, Any] = {"what": what}
    if has_request_context():
        details |= {"method": request.method, "path": request.path[:200]}
    details |= {"because": because} if because else {}
    unrecorded = _throttle.take_unrecorded(key)
    details |= {"not_written_before": unrecorded} if unrecorded else {}
    recording.record("authz.denied", by, outcome="denied", patient_id=patient_id, details=details)
    db.session.commit()


def _key(by: Person | None) -> Any:
    if by is not None and by.is_authenticated:
        return by.id
    return request.remote_addr if has_request_context() else g.get("request_id", "-")
