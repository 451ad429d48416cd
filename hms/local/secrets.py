"""The hospital's secret keys on this machine: made once, kept in its data directory, the same at every start."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from pathlib import Path

from . import private_files

FILE = "secrets.json"
NAMES = ("SECRET_KEY", "JWT_SECRET_KEY", "AUDIT_KEY", "TOTP_KEYS")


def ensure_secrets(directory: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The four secrets by name: those of the environment `given`, and for the others the kept ones, made when missing.

    Call it while the data directory is locked (`shared_locks.SharedUse`): two first starts at once must agree.
    """
    kept = private_files.read(directory / FILE)
    missing = [name for name in NAMES if not given.get(name) and name not in kept]
    if missing:
        kept |= {name: new_secret() for name in missing}
        private_files.write(directory / FILE, kept)
    return {name: given.get(name) or kept[name] for name in NAMES}


def stored_secrets(directory: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The secrets that were kept and are not in the environment `given`, as such or as `NAME_FILE`; makes none."""
    names = [name for name in NAMES if not given.get(name) and not given.get(f"{name}_FILE")]
    stored = private_files.read(directory / FILE) if names else {}
    return {name: stored[name] for name in names if name in stored}


def new_secret() -> str:
    """32 random bytes in the form a Fernet key has, which serves for every secret here."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
