"""The hospital's secret keys on this machine: created once and stored in its data directory."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from pathlib import Path

from config import is_guessable

from . import private_files

FILE_NAME = "secrets.json"
NAMES = ("SECRET_KEY", "JWT_SECRET_KEY", "AUDIT_KEY", "TOTP_KEYS")


def ensure_secrets(directory: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The four secrets by name: those of `environment`, and for the others the stored ones, created when missing.

    Call it while the data directory is locked (`shared_locks.SharedUse`), so that two first starts get the same secrets.
    """
    stored = private_files.read(directory / FILE_NAME)
    missing = [name for name in NAMES if not environment.get(name) and name not in stored]
    if missing:
        stored |= {name: new_secret() for name in missing}
        private_files.write(directory / FILE_NAME, stored)
    return {name: environment.get(name) or stored[name] for name in NAMES}


def stored_secrets(directory: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The stored secrets that are not in `environment` as `NAME` or `NAME_FILE`; it creates none."""
    names = [name for name in NAMES if not environment.get(name) and not environment.get(f"{name}_FILE")]
    stored = private_files.read(directory / FILE_NAME) if names else {}
    return {name: stored[name] for name in names if name in stored}


def new_secret() -> str:
    """32 random bytes in URL-safe base64, the form of a Fernet key.

    About one of 20,000 random secrets looks typed to the configuration; another one is made then.
    """
    secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return new_secret() if is_guessable(secret) else secret
