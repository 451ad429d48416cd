"""Passwords: argon2id with OWASP's minimum (19 MiB, 2 passes); an unknown name costs as much as a wrong password.

A hash keeps a processor busy: only a few are made at once, on threads of their own, and never while a connection to the
database is held.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app, has_request_context

from hms.core import actions
from hms.core.background.threads import run_in_thread
from hms.core.db.session import end_request_session
from hms.core.errors import Unavailable
from hms.core.text.translation import N_

from . import concurrent_attempts

MAX_CONCURRENT_HASHES = 4
MAX_WAIT_SECONDS = 15
_slots = threading.BoundedSemaphore(MAX_CONCURRENT_HASHES)


_STRONG = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_FOR_TESTS = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def _hasher() -> PasswordHasher:
    """The variable weakens hashes in the test suite's own application, and nowhere else."""
    is_test = os.environ.get("HMS_FAST_PASSWORDS") == "1" and current_app and current_app.testing
    return _FOR_TESTS if is_test else _STRONG


@lru_cache(maxsize=1)
def _dummy_hash() -> str:
    return _hasher().hash("nobody has this password")


def hash_secret(password: str) -> str:
    """The argon2id hash of a password, a PIN or a recovery code."""
    return _run_limited(_hasher().hash, password)


def is_correct(stored: str | None, password: str) -> bool:
    """Whether `password` fits; takes equally long when there is nothing to compare with."""
    return _run_limited(_verify, stored or _dummy_hash(), password) and stored is not None


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with weaker numbers than today's, and should be made anew while the password is known."""
    return _hasher().check_needs_rehash(stored)


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _run_limited(hash_it: Callable[..., Any], *given: str) -> Any:
    """At most four at once, on a real thread. A request hashes before its action, never inside one."""
    if has_request_context():
        if actions.current_action() is not None:
            raise RuntimeError("hash before the action: it would keep a connection to the database meanwhile")
        end_request_session()
    with concurrent_attempts.limit_concurrency():
        if not _slots.acquire(timeout=MAX_WAIT_SECONDS):
            raise Unavailable(N_("Too many people are signing in now. Wait a minute, then try again."))
        try:
            return run_in_thread(hash_it, *given)
        finally:
            _slots.release()
