"""Passwords: argon2id with OWASP's minimum (19 MiB, 2 passes); an unknown name costs as much as a wrong password.

A hash takes a whole processor for some 40 ms: only a few are made at once, and never in the way of other pages.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hms.core.errors import Unavailable
from hms.core.words import _

AT_ONCE = 4
PATIENCE_SECONDS = 15
_turn = threading.BoundedSemaphore(AT_ONCE)


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    if os.environ.get("HMS_FAST_PASSWORDS") == "1":
        return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher().hash("nobody has this password")


def hashed(password: str) -> str:
    """The argon2id hash of a password, a PIN or a recovery code."""
    return _in_turn(_hasher().hash, password)


def is_right(stored: str | None, password: str) -> bool:
    """Whether `password` fits; takes equally long when there is nothing to compare with."""
    return _in_turn(_verified, stored or _nobody(), password) and stored is not None


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with weaker numbers than today's, and should be made anew while the password is known."""
    return _hasher().check_needs_rehash(stored)


def _verified(stored: str, password: str) -> bool:
    try:
        return _hasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _in_turn(hash_it: Callable[..., Any], *given: str) -> Any:
    """At most four at once; in a web process of green threads on a real thread, so that other requests go on."""
    if not _turn.acquire(timeout=PATIENCE_SECONDS):
        raise Unavailable(_("Too many people are signing in at this moment. Wait a minute, then try again."))
    try:
        monkey = sys.modules.get("gevent.monkey")
        if monkey is None or not monkey.is_module_patched("threading"):
            return hash_it(*given)
        from gevent import get_hub

        return get_hub().threadpool.apply(hash_it, given)
    finally:
        _turn.release()
