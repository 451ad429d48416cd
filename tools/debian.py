"""Installs Debian and Ubuntu packages as root or with passwordless sudo; else unpacks them into this copy."""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path

from machine import ROOT, must, succeeds

PRIVATE = ROOT / ".local" / "debs"

_APT = ("apt-get", "-o", "DPkg::Lock::Timeout=300")


@functools.cache
def _as_root() -> list[str] | None:
    """The words before a command that run it as root; None when that needs a password."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if succeeds("sudo", "-n", "true") else None


def can_install() -> bool:
    """Whether packages can be installed without a password."""
    return _as_root() is not None


def as_root(*command: str) -> list[str]:
    """The command that runs `command` as root; only when `can_install()`."""
    return [*(_as_root() or []), *command]


def install(*packages: str) -> bool:
    """Install the packages; True when that succeeded."""
    if not can_install() or not packages:
        return False
    print(f"Installing {', '.join(packages)} …", flush=True)
    _update()
    return succeeds(*as_root(*_APT, "install", "-y", "-qq", "--no-install-recommends", *packages))


@functools.cache
def _update() -> None:
    # Continue when a mirror is not available: the old package lists may be enough.
    succeeds(*as_root(*_APT, "update", "-qq"))


def unpack_privately(*packages: str) -> list[Path]:
    """Download packages as an ordinary user and unpack them here; returns the folders of their libraries, none on failure."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return []
    print(f"Fetching {', '.join(packages)} for this copy alone …", flush=True)
    for folder in ("state/lists/partial", "cache/archives/partial", "root"):
        (PRIVATE / folder).mkdir(parents=True, exist_ok=True)
    status = "Dir::State::status=/var/lib/dpkg/status"
    folders = ["-o", f"Dir::State={PRIVATE / 'state'}", "-o", status, "-o", f"Dir::Cache={PRIVATE / 'cache'}"]
    apt = ["apt-get", *folders, "-o", "Debug::NoLocking=1", "-qq"]
    is_downloaded = succeeds(*apt, "update") and succeeds(
        *apt, "install", "-y", "--download-only", "--no-install-recommends", *packages
    )
    if not is_downloaded:
        return []
    for archive in (PRIVATE / "cache" / "archives").glob("*.deb"):
        must("dpkg-deb", "-x", archive, PRIVATE / "root")
    for folder in ("state", "cache"):
        shutil.rmtree(PRIVATE / folder)
    return private_libraries()


def private_libraries() -> list[Path]:
    """The folders of the libraries that `unpack_privately` unpacked."""
    return [*PRIVATE.glob("root/usr/lib/*-linux-gnu*"), *PRIVATE.glob("root/lib/*-linux-gnu*")]


def is_ubuntu() -> bool:
    """Whether this is Ubuntu, where Chromium is only a snap."""
    release = Path("/etc/os-release")
    return release.exists() and "ID=ubuntu" in release.read_text().splitlines()
