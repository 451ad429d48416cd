"""Passwords: argon2id with OWASP's minimum (19 MiB, 2 passes); an unknown name costs as much as a wrong password."""

from __future__ import annotations

import os
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    if os.environ.get("HMS_FAST_PASSWORDS") == "1":
        return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher().hash("nobody has this password")


def hashed(password: str) -> str:
    """The argon2id hash of a password."""
    return _hasher().hash(password)


def is_right(stored: str | None, password: str) -> bool:
    """Whether `password` fits; takes equally long when there is nothing to compare with."""
    try:
        _hasher().verify(stored or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
