"""Finds a Chromium for the browser tests and the screenshots. Needs nothing but Python itself."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "/snap/bin/chromium")

HOW_TO_GET_ONE = (
    "Install one (Debian: apt-get install chromium; Ubuntu: snap install chromium), "
    "or set HMS_CHROMIUM to the path of a Chromium or Chrome."
)


@functools.cache
def find_chromium() -> str | None:
    """The path of a Chromium or Chrome that really starts, or None; `HMS_CHROMIUM` goes before the usual names."""
    for name in (os.environ.get("HMS_CHROMIUM"), *NAMES):
        path = shutil.which(name) if name else None
        if path and _starts(path):
            return path
    return None


def _starts(path: str) -> bool:
    # Ubuntu's package leaves a script of this name that only tells people to install the snap.
    try:
        answer = subprocess.run([path, "--version"], check=False, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and "chrom" in answer.stdout.lower()
