"""Stands in for `docker` in tests: runs a command in the environment that docker-compose.yml describes for a service.

`python -m tests.compose_services compose exec web flask …`, in the folder that holds `.env` and `secrets`. `compose up` runs
what `migrate` runs. Of the environment only the addresses of the servers differ: those of the test's are in `TEST_DATABASE_URL`,
`TEST_OWNER_URL` and `TEST_REDIS_URL`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
KEPT = ("PATH", "LANG", "HMS_FAST_PASSWORDS", "LD_LIBRARY_PATH", "FONTCONFIG_FILE")


def described() -> dict:
    """docker-compose.yml."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def service_environment(name: str, folder: Path) -> dict[str, str]:
    """The environment of a service, with the values of `folder/.env` and the secrets of `folder/secrets`."""
    file = folder / ".env"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    chosen = dict(line.split("=", 1) for line in lines if "=" in line)
    environment = {
        variable: _interpolate(str(value), chosen).replace("/run/secrets/", f"{folder}/secrets/")
        for variable, value in described()["services"][name]["environment"].items()
    }
    return environment | {"HMS_DATA_DIR": str(folder / "data")}


def _interpolate(text: str, chosen: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name, sign, rest = match.groups()
        if not chosen.get(name) and sign == "?":
            raise SystemExit(rest)
        return chosen.get(name) or rest

    return re.sub(r"\$\{(\w+):([-?])([^}]*)\}", value, text)


def run_in(service: str, command: list[str], folder: Path, **options: object) -> subprocess.CompletedProcess:
    """Run `command` as the service would, with the test's servers."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ} | service_environment(service, folder)
    environment |= {"DATABASE_URL": os.environ["TEST_DATABASE_URL"], "REDIS_URL": os.environ["TEST_REDIS_URL"]}
    if "DATABASE_OWNER_URL_FILE" in environment:
        environment["DATABASE_OWNER_URL"] = os.environ["TEST_OWNER_URL"]
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, **options)  # type: ignore[call-overload]


def main(words: list[str], folder: Path) -> int:
    """Do what `docker` would do with these words; the exit code of the command."""
    match words:
        case ["compose", "up", *_options]:
            return run_in("migrate", described()["services"]["migrate"]["command"], folder).returncode
        case ["compose", "exec", service, *command]:
            return run_in(service, command, folder).returncode
    raise SystemExit(f"No test runs docker {' '.join(words)}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ["TEST_FOLDER"])))
