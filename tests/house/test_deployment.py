"""The production description parses, and production refuses to start half-configured."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from config import Config, NotReady

pytestmark = pytest.mark.security("P")

ROOT = Path(__file__).resolve().parents[2]
SECRETS = ("SECRET_KEY", "JWT_SECRET_KEY", "AUDIT_KEY", "TOTP_KEYS")


@pytest.fixture
def complete():
    """An environment with everything in it."""
    made = {name: secrets.token_hex(32) for name in SECRETS}
    return {"DATABASE_URL": "postgresql+psycopg://db/hms", "REDIS_URL": "redis://broker/0", **made}


@pytest.mark.skipif(shutil.which("docker") is None, reason="the Docker client is not on this machine")
def test_the_compose_file_parses():
    command = ["docker", "compose", "-f", str(ROOT / "docker-compose.yml"), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "is not a docker command" in done.stderr or "unknown" in done.stderr.lower():
        pytest.skip("this Docker client has no compose")
    assert done.returncode == 0, done.stderr


def test_a_complete_environment_is_accepted(complete):
    assert Config.from_environment(complete).demo is False


@pytest.mark.parametrize("name", [*SECRETS, "DATABASE_URL", "REDIS_URL"])
def test_production_names_what_is_missing(complete, name):
    del complete[name]
    with pytest.raises(NotReady, match=name):
        Config.from_environment(complete)


@pytest.mark.parametrize("name", SECRETS)
def test_production_refuses_a_weak_or_repeated_secret(complete, name):
    with pytest.raises(NotReady):
        Config.from_environment(complete | {name: "short"})
    with pytest.raises(NotReady):
        Config.from_environment(complete | {name: "change-me" * 8})
    with pytest.raises(NotReady):
        Config.from_environment(complete | {name: complete["SECRET_KEY" if name != "SECRET_KEY" else "AUDIT_KEY"]})


def test_a_secret_may_be_a_file(complete, tmp_path):
    file = tmp_path / "secret"
    kept = complete.pop("AUDIT_KEY")
    file.write_text(kept + "\n")
    assert Config.from_environment(complete | {"AUDIT_KEY_FILE": str(file)}).audit_key == kept


def test_no_secret_is_in_the_printed_configuration(complete):
    printed = repr(Config.from_environment(complete))
    assert all(complete[name] not in printed for name in SECRETS)


def test_every_process_of_the_hospital_gets_the_same_secrets_and_none_has_a_default():
    described = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    processes = [described["services"][name] for name in ("migrate", "web", "worker", "clock")]
    owner = {"database_owner_url"}
    assert all(set(process["secrets"]) - owner == set(processes[1]["secrets"]) for process in processes)
    assert [owner <= set(process["secrets"]) for process in processes] == [True, False, False, False]
    assert all(secret["file"].startswith("./secrets/") for secret in described["secrets"].values())
    assert "--appendonly yes" in " ".join(described["services"]["broker"]["command"])
