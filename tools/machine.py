"""Running programs and remembering what was done, for the set-up. Needs nothing but Python itself."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# A hospital's network often has a certificate authority of its own, which the machine knows and Node does not.
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class SetupFailed(Exception):
    """Says in one sentence what is missing and how to get it."""


def environment() -> dict[str, str]:
    """Ours, with quiet installers, the machine's own certificates, and a cache here when the home is not writable."""
    quiet = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "DEBIAN_FRONTEND": "noninteractive",
    }
    ours = {**quiet, "UV_SYSTEM_CERTS": "1", "UV_PYTHON_DOWNLOADS": "never"}
    if _CERTIFICATES.exists():
        ours["NODE_EXTRA_CA_CERTS"] = os.environ.get("NODE_EXTRA_CA_CERTS") or str(_CERTIFICATES)
    if not os.access(os.environ.get("HOME", "/"), os.W_OK):
        cache = ROOT / ".local" / "cache"
        ours |= {"XDG_CACHE_HOME": str(cache), "npm_config_cache": str(cache / "npm"), "HOME": str(cache)}
        cache.mkdir(parents=True, exist_ok=True)
    return {**os.environ, **ours}


def succeeds(*command: str | Path) -> bool:
    """Whether the command can be run and ends well; what it says is not shown."""
    try:
        return _run(command).returncode == 0
    except FileNotFoundError:
        return False


def must(*command: str | Path) -> None:
    """Runs the command; when it fails, what it said last becomes the reason why the set-up stops."""
    result = _run(command)
    if result.returncode:
        said = "\n".join(result.stdout.strip().splitlines()[-15:])
        raise SetupFailed(f"`{' '.join(str(word) for word in command)}` failed:\n{said}")


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
    """Remembers in `folder` for which contents of `files` (and which `also`) a step was done."""

    def __init__(self, name: str, *files: Path, also: str = "", folder: Path = ROOT / ".stamps"):
        self._path = folder / name
        self._files = files
        self._also = also

    @property
    def is_fresh(self) -> bool:
        """Whether the step was done for exactly these contents."""
        return self._path.exists() and self._path.read_text() == self._hash()

    def renew(self) -> None:
        """Notes that the step is done."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._path.parent, delete=False) as draft:
            draft.write(self._hash())
        Path(draft.name).replace(self._path)

    def forget(self) -> None:
        """Notes that the step must be done again, whatever happens next."""
        self._path.unlink(missing_ok=True)

    def _hash(self) -> str:
        digest = hashlib.sha256(self._also.encode())
        for file in self._files:
            digest.update(f"\0{file.name}\0".encode())
            digest.update(file.read_bytes() if file.exists() else b"")
        return digest.hexdigest()
