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
            began, written, not_written = self._known.get(key, (now, 0, 0))
            if now - began > WINDOW:
                began, written = now, 0
            if written >= MAX_COUNT:
                self._known[key] = (began, written, not_written + 1)
                return None
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[key] = (began, written + 1, 0)
            return not_written


_throttle = DenialThrottle()


def reset_throttle() -> None:
    """Set all counts to zero; for tests."""
    global _throttle
    _throttle = DenialThrottle()


def record_denial(by: Person | None, what: str, *, patient_id: int | None = None, because: str = "") -> None:
    """Record that `by` was denied `what` (an endpoint); `because` is the error's code. Rolls back, then commits its entry."""
    db.session.rollback()
    not_written = _throttle.admits(_key(by))
    if not_written is None:
        return
    details: dict[str, Any] = {"what": what}
    if has_request_context():
        details |= {"method": request.method, "path": request.path[:200]}
    details |= {"because": because} if because else {}
    details |= {"not_written_before": not_written} if not_written else {}
    recording.record("authz.denied", by, outcome="denied", patient_id=patient_id, details=details)
    db.session.commit()


def _key(by: Person | None) -> Any:
    if by is not None and by.is_authenticated:
        return by.id
    return request.remote_addr if has_request_context() else g.get("request_id", "-")
