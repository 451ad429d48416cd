"""Finds a Chromium for the browser tests and the screenshots. Uses only Python's standard library."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "/snap/bin/chromium")

INSTALL_CHROMIUM = (
    "Install one (Debian: apt-get install chromium; Ubuntu: snap install chromium), "
    "or set HMS_CHROMIUM to the path of a Chromium or Chrome."
)


@functools.cache
def find_chromium() -> str | None:
    """The path of a Chromium or Chrome that starts, or None; `HMS_CHROMIUM` is tried first."""
    for name in (os.environ.get("HMS_CHROMIUM"), *NAMES):
        path = shutil.which(name) if name else None
        if path and _starts(path):
            return path
    return None


def _starts(path: str) -> bool:
    # Ubuntu's package installs a script of this name that only says to install the snap.
    try:
        answer = subprocess.run([path, "--version"], check=False, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and "chrom" in answer.stdout.lower()
