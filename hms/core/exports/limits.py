"""How many lists are made into files at once by one server process: each takes processor time from every other request."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from hms.core.errors import DomainError
from hms.core.text.translation import N_

MAX_AT_ONCE = 4
MAX_OF_ONE_PERSON = 2
"""A second click on the same link begins a second file, while the browser has given the first one up."""
_running: Counter[int] = Counter()
_lock = threading.Lock()


class TooManyExports(DomainError):
    """So many lists are being exported that one more must wait: 429."""

    status = 429
    code = "too_many_exports"
    retry_after = 20
    """Seconds."""


@contextmanager
def count_export(person_id: int) -> Iterator[None]:
    """Make one file inside this block; raises `TooManyExports` while the person, or all together, make as many as may be."""
    with _lock:
        if _running[person_id] >= MAX_OF_ONE_PERSON:
            raise TooManyExports(
                N_("Your other exports are still being made. Wait until they are done, then try again.")
            )
        if _running.total() >= MAX_AT_ONCE:
            raise TooManyExports(N_("Several lists are being exported now. Wait a minute, then try again."))
        _running[person_id] += 1
    try:
        yield
    finally:
        with _lock:
            _running[person_id] -= 1
            if not _running[person_id]:
                del _running[person_id]
