"""What `make test` does once everything is installed: style, the order of the desks, weaknesses, then every test.

`--quick` checks style and order, then runs the quick tests of the desks that were changed; `--lint-only` and
`--analyses-only` run no tests.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from browser import HOW_TO_GET_ONE, find_chromium
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

RUN_BY_THE_HOSPITAL = ["hms", "config.py", "wsgi.py", "gunicorn.conf.py"]
READ_BY_RULES = ["hms", "templates", "static"]
QUIETLY = ["--metrics=off", "--disable-version-check", "--error", "--quiet"]

LINTS = {
    "style": [sys.executable, "-m", "ruff", "check", "--quiet", *CODE],
    "format (make fix mends it)": [sys.executable, "-m", "ruff", "format", "--check", "--quiet", *CODE],
    "templates": [BIN / "djlint", "--lint", "--quiet", "templates"],
    "order of the desks": [BIN / "lint-imports", "--no-logo"],
}
ANALYSES = {
    "known weaknesses (bandit)": [ANALYSERS / "bandit", "-q", "-c", "pyproject.toml", "-r", *RUN_BY_THE_HOSPITAL],
    "the hospital's own laws (semgrep)": [ANALYSERS / "semgrep", "scan", *QUIETLY, "--config", RULES, *READ_BY_RULES],
}
PYTEST = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile"]
TESTS = {"tests": PYTEST}


def main() -> int:
    """Run all lints, then the tests, even after a lint failed; 0 when everything is well."""
    began = time.monotonic()
    checks = _checks(sys.argv[-1])
    failed = [name for name, command in checks.items() if not _is_well(name, command)]
    verdict = f"Not well: {', '.join(failed)}." if failed else "All is well."
    print(f"\n{verdict} It took {time.monotonic() - began:.0f} s.")
    if "tests" in checks and not find_chromium():
        print(f"*** The browser tests were SKIPPED: no Chromium was found. {HOW_TO_GET_ONE} ***")
    return 1 if failed else 0


def _checks(option: str) -> dict[str, list[str | Path]]:
    """The commands to run, by the name that is printed."""
    if option == "--quick":
        touched = choose_tests(changed_files())
        quick = [*PYTEST, "-q", "-m", "not slow and not browser", *touched]
        return LINTS | ({f"quick tests of {', '.join(touched)}": quick} if touched else {})
    return {"--lint-only": LINTS, "--analyses-only": ANALYSES}.get(option, LINTS | ANALYSES | TESTS)


def _is_well(name: str, command: list[str | Path]) -> bool:
    print(f"· {name}", flush=True)
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
