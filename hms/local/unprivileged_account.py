"""Which account an embedded server runs under.

PostgreSQL refuses to run as root. When root starts the hospital, the servers run as whoever owns their directory, or as
`nobody`; they keep the single right to pass directories they do not own, so that nothing on the way to the data
(`/root`, a home directory) has to be opened to others.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

from .errors import LocalServersFailed

_NOBODY = 65534
# Without no_setuid_fixup access(2) forgets the capability, and initdb says "invalid binary" below /root.
_PASS_DIRECTORIES = [
    "--securebits=+no_setuid_fixup",
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=+dac_override",
]


def make_folder(path: Path) -> None:
    """Makes a folder of the hospital for its owner alone; others may pass it only where the servers have no other way."""
    path.mkdir(mode=0o711 if needs_open_paths() else 0o700, parents=True, exist_ok=True)


def make_server_folder(directory: Path) -> None:
    """Makes `directory` (mode 0700) for the account its server runs under; an existing one keeps its owner."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0 and directory.stat().st_uid == 0:
        os.chown(directory, _NOBODY, _NOBODY)


def give_to_owner(path: Path, directory: Path) -> None:
    """Gives the file `path` to the owner of `directory`."""
    if os.geteuid() == 0:
        owner = directory.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def command_prefix(directory: Path) -> list[str]:
    """What to put before a command so that it runs as the owner of `directory`; nothing for an ordinary user."""
    if os.geteuid() != 0:
        return []
    owner = directory.stat()
    return [*_become(owner.st_uid, owner.st_gid), *(_PASS_DIRECTORIES if _may_pass_directories() else [])]


def needs_open_paths() -> bool:
    """Whether the server sees only what its account may see (root without the right to pass directories on)."""
    return os.geteuid() == 0 and not _may_pass_directories()


def may_run(program: Path, directory: Path) -> bool:
    """Whether the owner of `directory` can run `program` and write in `directory`."""
    test = [*command_prefix(directory), "sh", "-c", 'test -x "$0" && test -w "$1"', str(program), str(directory)]
    return subprocess.run(test, check=False).returncode == 0


def _become(user: int, group: int) -> list[str]:
    setpriv = shutil.which("setpriv", path=os.environ.get("PATH", "") + ":/usr/bin:/bin")
    if not setpriv:
        raise LocalServersFailed(
            "root needs the command setpriv (package util-linux) to start the database; or start as a user."
        )
    return [setpriv, f"--reuid={user}", f"--regid={group}", "--clear-groups"]


@functools.cache
def _may_pass_directories() -> bool:
    attempt = [*_become(_NOBODY, _NOBODY), *_PASS_DIRECTORIES, "true"]
    return subprocess.run(attempt, check=False, capture_output=True).returncode == 0
