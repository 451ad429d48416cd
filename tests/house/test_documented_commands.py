"""Every command that a document names works, in the environment of the service that it names."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config import Config, NotReady
from tests import servers
from tests.apps import app_beside
from tests.compose_services import ROOT, described, run_in, service_environment

pytestmark = pytest.mark.slow

DATABASE = "hms_documented"
PROGRAMS = ("web", "worker", "short-worker", "clock")
DEPLOYMENT = ROOT / "docs" / "deployment.md"
ANSWERS = "Bay Hospital\n3 Bay Street\n022 555 777\n"
NAMED = re.compile(r"(?:docker compose exec (\w+) |`|\.venv/bin/)flask (?:--app wsgi )?([a-z][a-z ./-]*[a-z])")
"""A command in a document: the service it names, if any, and its words."""


@pytest.fixture
def folder(tmp_path, template, monkeypatch):
    """A folder with the files that an installation begins with, and a `docker` that runs commands as the services would."""
    url = servers.create_database(DATABASE, template)
    monkeypatch.setenv("TEST_OWNER_URL", url)
    monkeypatch.setenv("TEST_DATABASE_URL", servers.application_url(DATABASE))
    monkeypatch.setenv("TEST_REDIS_URL", servers.redis_url(60))
    monkeypatch.setenv("TEST_FOLDER", str(tmp_path))
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin" / "docker"
    docker.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m tests.compose_services "$@"\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    for name in ("hospital.crt", "hospital.key"):
        (tmp_path / name).write_text("made by the hospital\n")
    yield tmp_path
    servers.drop_database(DATABASE)


def _installation() -> str:
    return re.search(r"## With Docker\n.*?```sh\n(.*?)```", DEPLOYMENT.read_text(encoding="utf-8"), re.DOTALL).group(1)


def _documents() -> list[Path]:
    of_the_folder = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return [*of_the_folder, *(ROOT / "hms").rglob("*.py"), *(ROOT / "hms").rglob("*.md")]


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("openssl") is None, reason="needs root and openssl")
def test_the_installation_runs_as_it_is_written(folder):
    script = folder / "install.sh"
    script.write_text(_installation())
    done = subprocess.run(["sh", "-eux", script.name], cwd=folder, input=ANSWERS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(r"/welcome/[\w-]{43}", done.stdout)
    used = {secret for service in PROGRAMS for secret in described()["services"][service]["secrets"]}
    for file in (folder / "secrets" / name for name in used):
        found = file.stat()
        assert (stat.S_IMODE(found.st_mode), f"{found.st_uid}:{found.st_uid}") == (0o600, described()["x-hms"]["user"])
    key = (folder / "secrets" / "tls" / "hospital.key").stat()
    assert (stat.S_IMODE(key.st_mode), key.st_uid) == (0o600, 0)  # the proxy begins as root without DAC_OVERRIDE


RESOLVE = """
import json, os, sys
os.environ["FLASK_RUN_FROM_CLI"] = "true"
from wsgi import app
runner = app.test_cli_runner()
print(json.dumps({words: runner.invoke(args=[*words.split(), "--help"]).output for words in json.loads(sys.argv[1])}))
"""


def test_every_command_that_is_named_is_there(folder):
    named: dict[str, set[str]] = {}
    for path in _documents():
        for service, words in NAMED.findall(path.read_text(encoding="utf-8")):
            named.setdefault(service or "web", set()).add(words.strip())
    assert {"create-admin josephine", "audit verify", "prove", "import-fhir"} <= named["web"]
    (folder / ".env").write_text("HMS_HOSTS=hms.lan\n")
    _write_secrets(folder)
    for service, commands in named.items():
        words = json.dumps(sorted(commands))
        done = run_in(service, [sys.executable, "-c", RESOLVE, words], folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        helps = json.loads(done.stdout.splitlines()[-1])
        assert [one for one, shown in helps.items() if "No such command" in shown or "Usage:" not in shown] == []


def test_every_target_of_make_that_is_named_is_there():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    texts = [path.read_text(encoding="utf-8") for path in _documents() if path.suffix == ".md"]
    assert {word for text in texts for word in re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE)} <= targets


def _write_secrets(folder):
    (folder / "secrets").mkdir()
    for name in ("secret_key", "jwt_secret_key", "audit_key", "totp_keys"):
        (folder / "secrets" / name).write_text(os.urandom(32).hex())


def test_what_the_hospital_chooses_reaches_every_program(folder):
    chosen = {
        "HMS_HOSTS": "hms.lan",
        "HMS_SMTP_URL": "smtp+tls://hms:secret@mail.lan:587",
        "HMS_MAIL_FROM": "hms@hospital.lan",
        "HMS_TIMEZONE": "Africa/Dakar",
        "HMS_CURRENCY": "XOF",
        "HMS_COUNTRY": "SN",
        "HMS_POOL_SIZE": "7",
    }
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in chosen.items()))
    read = set(re.findall(r'"(HMS_[A-Z_]+)"', (ROOT / "config.py").read_text(encoding="utf-8"))) - {"HMS_DEMO"}
    documented = set(re.findall(r"`(HMS_[A-Z_]+)`", DEPLOYMENT.read_text(encoding="utf-8"))) - {"HMS_DEMO"}
    assert read <= documented
    for service in ("migrate", *PROGRAMS):
        environment = service_environment(service, folder)
        assert read <= set(environment)
        assert {name: environment[name] for name in chosen} == chosen


def test_without_choices_the_defaults_hold(folder):
    (folder / ".env").write_text("HMS_HOSTS=hms.lan\n")
    _write_secrets(folder)
    environment = service_environment("worker", folder) | {"DATABASE_URL": "postgresql+psycopg://db/hms"}
    config = Config.from_environment(environment | {"REDIS_URL": "redis://broker/0"})
    assert (config.smtp_url, config.mail_from, config.pool_size) == ("", "hms@localhost", 10)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_secret_that_the_program_may_not_read_is_refused_with_the_remedy(tmp_path):
    file = tmp_path / "audit_key"
    file.write_text("x")
    file.chmod(0o600)
    os.seteuid(10001)
    try:
        with pytest.raises(NotReady, match=r"AUDIT_KEY_FILE .*chown 10001 .*chmod 600"):
            Config.from_environment({"AUDIT_KEY_FILE": str(file)})
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("address", ["hms.lan", "hms.lan:8443", "10.0.0.5:4430"])
def test_a_form_is_taken_on_any_port(folder, address):
    """As the proxy passes a request on: `$host` of nginx is the name alone, `$http_host` what the browser sent."""
    (folder / ".env").write_text("HMS_HOSTS=hms.lan,10.0.0.5\n")
    _write_secrets(folder)
    addresses = {"DATABASE_URL": os.environ["TEST_DATABASE_URL"], "REDIS_URL": os.environ["TEST_REDIS_URL"]}
    config = Config.from_environment(service_environment("web", folder) | addresses)
    proxied = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    values = {"$host": address.partition(":")[0], "$http_host": address, "$remote_addr": "10.0.0.9", "$scheme": "https"}
    passed = [dict(re.findall(r"proxy_set_header (\S+) +(\S+);", part)) for part in proxied.split("location ")[1:]]
    client = app_beside(config).test_client()
    for headers in passed:
        sent = {name: values[value] for name, value in headers.items() if value in values}
        page = client.get("/login", headers=sent)
        token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page.text).group(1)
        form = {"username": "admin", "password": "wrong", "csrf_token": token}
        origin = {"Origin": f"https://{address}", "Referer": f"https://{address}/login"}
        assert client.post("/login", data=form, headers=sent | origin).status_code == 401
