"""Runs what `make test` checks: style, import order, security analyses, then all tests.

`--quick` checks style and import order, then runs the quick tests of the changed desks; `--lint-only` and
`--analyses-only` run no tests.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from browser import INSTALL_CHROMIUM, find_chromium
from touched import changed_files, choose_tests

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
CODE = [
    name
    for name in ("hms", "tests", "tools", "benchmarks", "config.py", "wsgi.py", "gunicorn.conf.py")
    if (ROOT / name).exists()
]

ANALYSERS = ROOT / ".local" / "analysis" / "bin"
RULES = ROOT / "tools" / "analysis" / "rules.yml"

PRODUCTION_CODE = ["hms", "config.py", "wsgi.py", "gunicorn.conf.py"]
SEMGREP_PATHS = ["hms", "templates", "static"]
SEMGREP_OPTIONS = ["--metrics=off", "--disable-version-check", "--error", "--quiet"]

LINTS = {
    "style": [sys.executable, "-m", "ruff", "check", "--quiet", *CODE],
    "format (make fix corrects it)": [sys.executable, "-m", "ruff", "format", "--check", "--quiet", *CODE],
    "templates": [BIN / "djlint", "--lint", "--quiet", "templates"],
    "import order": [BIN / "lint-imports", "--no-logo"],
}
ANALYSES = {
    "security (bandit)": [ANALYSERS / "bandit", "-q", "-c", "pyproject.toml", "-r", *PRODUCTION_CODE],
    "own rules (semgrep)": [ANALYSERS / "semgrep", "scan", *SEMGREP_OPTIONS, "--config", RULES, *SEMGREP_PATHS],
}
PYTEST = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile"]
TESTS = {"tests": PYTEST}


def main() -> int:
    """Run the checks, all of them even after one failed; 0 when all passed."""
    started = time.monotonic()
    checks = _checks(sys.argv[-1])
    failed = [name for name, command in checks.items() if not _passes(name, command)]
    summary = f"Failed: {', '.join(failed)}." if failed else "All checks passed."
    print(f"\n{summary} It took {time.monotonic() - started:.0f} s.")
    if "tests" in checks and not find_chromium():
        print(f"*** The browser tests were SKIPPED: no Chromium was found. {INSTALL_CHROMIUM} ***")
    return 1 if failed else 0


def _checks(option: str) -> dict[str, list[str | Path]]:
    """The commands to run, by the name that is printed."""
    if option == "--quick":
        paths = choose_tests(changed_files())
        quick = [*PYTEST, "-q", "-m", "not slow and not browser", *paths]
        return LINTS | ({f"quick tests of {', '.join(paths)}": quick} if paths else {})
    return {"--lint-only": LINTS, "--analyses-only": ANALYSES}.get(option, LINTS | ANALYSES | TESTS)


def _passes(name: str, command: list[str | Path]) -> bool:
    print(f"· {name}", flush=True)
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
