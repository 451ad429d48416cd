"""Runs programs and remembers which steps are done, for the set-up. Uses only Python's standard library."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Hospital networks often have their own certificate authority, which the machine trusts and Node does not know.
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class SetupFailed(Exception):
    """The set-up cannot continue; the message says what is missing and how to get it."""


def environment() -> dict[str, str]:
    """The environment of commands: this process's, with quiet installers and the machine's certificates.

    When the home directory is not writable, caches are in this copy.
    """
    own = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "DEBIAN_FRONTEND": "noninteractive",
        "UV_SYSTEM_CERTS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    if _CERTIFICATES.exists():
        own["NODE_EXTRA_CA_CERTS"] = os.environ.get("NODE_EXTRA_CA_CERTS") or str(_CERTIFICATES)
    if not os.access(os.environ.get("HOME", "/"), os.W_OK):
        cache = ROOT / ".local" / "cache"
        own |= {"XDG_CACHE_HOME": str(cache), "npm_config_cache": str(cache / "npm"), "HOME": str(cache)}
        cache.mkdir(parents=True, exist_ok=True)
    return {**os.environ, **own}


def succeeds(*command: str | Path) -> bool:
    """Run the command without showing its output; True when it exists and exits with 0."""
    try:
        return _run(command).returncode == 0
    except FileNotFoundError:
        return False


def must(*command: str | Path) -> None:
    """Run the command; `SetupFailed` with the end of its output when it fails."""
    result = _run(command)
    if result.returncode:
        output = "\n".join(result.stdout.strip().splitlines()[-15:])
        raise SetupFailed(f"`{' '.join(str(word) for word in command)}` failed:\n{output}")


def _run(command: tuple[str | Path, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class Stamp:
    """Remembers in `folder` for which contents of `files` (and which text `also`) a step was done."""

    def __init__(self, name: str, *files: Path, also: str = "", folder: Path = ROOT / ".stamps"):
        self._path = folder / name
        self._files = files
        self._also = also

    @property
    def is_fresh(self) -> bool:
        """Whether the step was done for exactly these contents."""
        return self._path.exists() and self._path.read_text() == self._hash()

    def renew(self) -> None:
        """Mark the step as done."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._path.parent, delete=False) as draft:
            draft.write(self._hash())
        Path(draft.name).replace(self._path)

    def forget(self) -> None:
        """Mark the step as not done."""
        self._path.unlink(missing_ok=True)

    def _hash(self) -> str:
        digest = hashlib.sha256(self._also.encode())
        for file in self._files:
            digest.update(f"\0{file.name}\0".encode())
            digest.update(file.read_bytes() if file.exists() else b"")
        return digest.hexdigest()
