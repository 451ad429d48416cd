"""The production description parses, and production refuses to start half-configured."""

from __future__ import annotations

import base64
import dataclasses
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from random import Random
from string import ascii_lowercase, digits

import pytest
import yaml
from flask import Response
from flask.helpers import get_debug_flag
from werkzeug.serving import make_server

from config import Config, NotReady, is_guessable
from hms.local.listen_address import allowed_hosts
from hms.local.secrets import new_secret
from tests.apps import app_beside

pytestmark = [pytest.mark.security("P"), pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
SECRETS = ("SECRET_KEY", "JWT_SECRET_KEY", "AUDIT_KEY", "TOTP_KEYS")


@pytest.fixture
def complete():
    """An environment with everything in it."""
    made = {name: secrets.token_hex(32) for name in SECRETS}
    places = {"DATABASE_URL": "postgresql+psycopg://db/hms", "REDIS_URL": "redis://broker/0", "HMS_HOSTS": "hms.lan"}
    return {**places, **made}


def _app(config):
    """An application with these settings, whose sockets stay in this process: nothing answers to the name of its broker,
    and every later action of the process would look it up."""
    return app_beside(dataclasses.replace(config, testing=True))


@pytest.mark.skipif(shutil.which("docker") is None, reason="the Docker client is not on this machine")
def test_the_compose_file_parses():
    command = ["docker", "compose", "-f", str(ROOT / "docker-compose.yml"), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "is not a docker command" in done.stderr or "unknown" in done.stderr.lower():
        pytest.skip("this Docker client has no compose")
    assert done.returncode == 0, done.stderr


def test_a_complete_environment_is_accepted(complete):
    assert Config.from_environment(complete).demo is False


@pytest.mark.parametrize("name", [*SECRETS, "DATABASE_URL", "REDIS_URL", "HMS_HOSTS"])
def test_production_names_what_is_missing(complete, name):
    del complete[name]
    with pytest.raises(NotReady, match=name):
        Config.from_environment(complete)


TYPED = (
    "short",
    "a" * 64,
    "change-me" * 8,
    "0123456789abcdef" * 4,
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "qwertyuiopasdfghjklzxcvbnm1234567890",
    "11112222333344445555666677778888",
    "please-change-this-secret-key-in-production",
    "The quick brown fox jumps over the lazy dog 12",
    "hospital-secret-key-for-production-2026",
    "django-insecure-your-secret-key-goes-here-now",
    "Lorem-ipsum-dolor-sit-amet-consectetur",
    "LoremIpsumDolorSitAmetConsecteturAdipiscing",
    "kushe-aw-di-bodi-na-salone-tenki-ya",
    "31415926535897932384626433832795",
    "deadbeefcafebabefeedfacedeadbeefcafe",
    base64.b64encode(b"password" * 4).decode(),
    (b"password" * 4).hex(),
)


@pytest.mark.parametrize("name", SECRETS)
def test_production_refuses_a_typed_or_repeated_secret_and_says_how_one_is_made(complete, name):
    for typed in TYPED:
        with pytest.raises(NotReady, match=f"{name} .*secrets.token_urlsafe"):
            Config.from_environment(complete | {name: typed})
    with pytest.raises(NotReady, match="different"):
        Config.from_environment(complete | {name: complete["SECRET_KEY" if name != "SECRET_KEY" else "AUDIT_KEY"]})


def test_each_of_several_keys_is_judged(complete):
    good = secrets.token_hex(32)
    assert Config.from_environment(complete | {"TOTP_KEYS": f"{good},{secrets.token_hex(32)}"}).totp_keys[0] == good
    for other in ("short", "change-me" * 8, good):
        with pytest.raises(NotReady):
            Config.from_environment(complete | {"TOTP_KEYS": f"{good},{other}"})


MADE = {
    "token_hex(16)": lambda random: random.randbytes(16).hex(),
    "token_hex(32)": lambda random: random.randbytes(32).hex(),
    "token_urlsafe(32)": lambda random: base64.urlsafe_b64encode(random.randbytes(32)).rstrip(b"=").decode(),
    "base64": lambda random: base64.b64encode(random.randbytes(32)).decode(),
    "small letters and digits": lambda random: "".join(random.choices(ascii_lowercase + digits, k=64)),
    "uuid4": lambda random: uuid.UUID(bytes=random.randbytes(16), version=4).hex,
    "uuid4 with dashes": lambda random: str(uuid.UUID(bytes=random.randbytes(16), version=4)),
    "fresh": lambda random: new_secret(),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_what_a_machine_makes_is_no_typed_secret(make):
    random = Random(5)  # always the same secrets: about one of 20,000 looks typed, and the test must not fail by chance
    assert [secret for secret in (make(random) for _ in range(200)) if is_guessable(secret)] == []


def test_a_fresh_secret_that_looks_typed_is_made_again(monkeypatch):
    looks_typed = base64.b64decode("nzkezRDBHXCLGRETYCOvuw3tsasmp8FDZkdHAEX0WDQ=")
    drawn = iter([looks_typed, Random(5).randbytes(32)])
    monkeypatch.setattr(secrets, "token_bytes", lambda count: next(drawn))
    assert not is_guessable(new_secret())


def test_keys_that_are_nearly_the_same_are_not_different(complete):
    key = secrets.token_urlsafe(32)
    for nearly in (f"{key}a", f"b{key}", key[:20] + secrets.token_urlsafe(32)):
        with pytest.raises(NotReady, match="different"):
            Config.from_environment(complete | {"SECRET_KEY": key, "AUDIT_KEY": nearly})


WRONG = [
    *(("HMS_HOSTS", wrong) for wrong in (".", ".com", "*", "https://h.example/", "hms.lan,h..lan", "*.hms.lan", "a b")),
    *(("HMS_TRUSTED_PROXIES", wrong) for wrong in ("-1", "abc", "1.5", "\u0661")),
    *(("HMS_POOL_SIZE", wrong) for wrong in ("0", "x", "-3", "100000")),
    *(("HMS_HTTPS", wrong) for wrong in ("yes", "true", "on", "2")),
    ("HMS_DEMO", "no"),
    *((name, "nonsense") for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "HMS_SMTP_URL")),
    *(("HMS_TIMEZONE", wrong) for wrong in ("Nowhere/X", "../x", "/etc/passwd", "Africa")),
    *(("HMS_CURRENCY", wrong) for wrong in ("ZZZ", "sle", "Leone")),
    *(("HMS_COUNTRY", wrong) for wrong in ("XX", "sl", "Sierra Leone")),
    *(("AUDIT_KEY_FILE", wrong) for wrong in ("/nowhere/audit_key", "/", "/bin/sh")),
]


@pytest.mark.parametrize(("name", "wrong"), WRONG)
def test_a_variable_that_says_nothing_possible_is_refused_in_a_sentence(complete, name, wrong):
    if name == "AUDIT_KEY_FILE":
        del complete["AUDIT_KEY"]
    with pytest.raises(NotReady, match=rf"^{name} .*\.$"):
        Config.from_environment(complete | {name: wrong})


def test_possible_variables_are_taken(complete):
    more = {"HMS_HOSTS": ".hms.lan,[::1],my_pc:8000,10.0.0.5", "HMS_TIMEZONE": "Africa/Dakar", "HMS_COUNTRY": "SN"}
    taken = Config.from_environment(complete | more | {"HMS_CURRENCY": "XOF", "HMS_POOL_SIZE": "20"})
    assert (taken.hosts[2], taken.timezone, taken.country) == ("my_pc:8000", "Africa/Dakar", "SN")
    assert (taken.currency, taken.pool_size, taken.trusted_proxies) == ("XOF", 20, 0)


def test_hosts_are_named_in_production_and_every_other_name_is_refused(complete):
    named = Config.from_environment(complete | {"HMS_HOSTS": " hms.lan , 10.0.0.5,"})
    assert named.hosts == ("hms.lan", "10.0.0.5")
    with pytest.raises(NotReady, match="HMS_HOSTS"):
        Config.from_environment(complete | {"HMS_HOSTS": " , "})
    assert Config.from_environment({**complete, "HMS_HOSTS": "", "HMS_DEMO": "1"}).hosts == ()
    client = _app(named).test_client()
    asked = {name: client.get("/lock", headers={"Host": name}).status_code for name in ("hms.lan", "evil.example", "")}
    assert [asked["evil.example"], asked[""]] == [400, 400]
    assert asked["hms.lan"] != 400


def test_a_hospital_of_this_machine_names_its_own_hosts():
    assert allowed_hosts({"HMS_HOST": "10.0.0.5"})["HMS_HOSTS"].split(",") == [
        "10.0.0.5",
        "127.0.0.1",
        "localhost",
        "[::1]",
    ]
    assert socket.gethostname() in allowed_hosts({"HMS_HOST": "::"})["HMS_HOSTS"]
    assert allowed_hosts({"HMS_HOSTS": "hms.lan"})["HMS_HOSTS"].startswith("hms.lan,127.0.0.1,")
    assert allowed_hosts({"HMS_DEMO": "1"}) == {}


def _run(environment, *command):
    known = {name: value for name, value in os.environ.items() if not name.startswith(("HMS_", "DATABASE", "REDIS"))}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=known | environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    "command",
    [("gunicorn", "--no-control-socket", "-b", "127.0.0.1:0", "wsgi:app"), ("flask", "--app", "wsgi", "work")],
)
def test_what_is_not_ready_ends_with_a_sentence_and_78(complete, tmp_path, command):
    ended = _run({**complete, "HMS_HOSTS": "", "HMS_DATA_DIR": str(tmp_path)}, *command)
    assert ended.returncode == 78
    assert "HMS_HOSTS" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_no_variable_switches_debugging_on_in_production(complete, monkeypatch):
    stray = {name: "1" for name in ("FLASK_DEBUG", "DEBUG", "FLASK_ENV", "HMS_DEBUG", "WERKZEUG_DEBUG")}
    listed = _run(complete | stray, "flask", "--app", "wsgi", "--debug", "routes")
    assert listed.returncode == 0
    assert "/patients/" in listed.stdout
    assert "/dev/kit" not in listed.stdout
    for name, value in stray.items():
        monkeypatch.setenv(name, value)
    app = _app(Config.from_environment(complete))
    assert (app.debug, get_debug_flag()) == (False, False)


def test_a_secret_may_be_a_file(complete, tmp_path):
    file = tmp_path / "secret"
    kept = complete.pop("AUDIT_KEY")
    file.write_text(kept + "\n")
    assert Config.from_environment(complete | {"AUDIT_KEY_FILE": str(file)}).audit_key == kept


def test_no_secret_is_in_the_printed_configuration(complete):
    printed = repr(Config.from_environment(complete))
    assert all(complete[name] not in printed for name in SECRETS)


def _described():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def test_the_image_is_made_of_the_production_lock_without_tests_and_for_a_user_without_rights():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes -r requirements/production.lock" in lines
    assert set(re.findall(r"\w+\.lock\b", lines)) == {"production.lock"}
    copied = re.findall(r"^COPY (?:--from=\S+ )?(.*)$", lines, re.MULTILINE)
    assert not any(word in part.split() for part in copied for word in (".", "tests", "./tests", "benchmarks"))
    assert re.findall(r"^USER (.*)$", lines, re.MULTILINE) == ["10001:10001"]
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {"tests", "benchmarks", "secrets", "instance", ".git", ".venv"} <= set(left_out)


def test_the_programs_run_read_only_without_capabilities():
    described = _described()["services"]
    for name in ("migrate", "web", "worker", "short-worker", "clock"):
        service = described[name]
        assert (service["read_only"], service["cap_drop"], service["user"]) == (True, ["ALL"], "10001:10001")
        assert "no-new-privileges:true" in service["security_opt"]
        assert "cap_add" not in service
        assert "privileged" not in service
        assert service["volumes"] == ["documents:/var/lib/hms"]
        assert service["environment"]["HMS_DATA_DIR"] == "/var/lib/hms"
        assert [place.partition(":")[0] for place in service["tmpfs"]] == ["/tmp"]  # noqa: S108 - in the container
        assert service["environment"]["HMS_HOSTS"].startswith("${HMS_HOSTS:?"), "compose refuses to start without"
        assert "HMS_DEMO" not in service["environment"]
    assert "hms.local.health" in described["web"]["healthcheck"]["test"]
    assert all("no-new-privileges:true" in service["security_opt"] for service in described.values())


def test_a_container_asks_its_own_web_server_by_one_of_its_names(hospital_of_hosts):
    url, named = hospital_of_hosts
    assert _run({"HMS_HOSTS": f"{named},other.lan"}, "hms.local.health", f"{url}/api/health/").returncode == 0
    assert _run({"HMS_HOSTS": "other.lan"}, "hms.local.health", f"{url}/api/health/").returncode == 1


@pytest.fixture
def hospital_of_hosts():
    def answer(environ, start_response):
        return Response(status=200 if environ["HTTP_HOST"] == "hms.lan" else 400)(environ, start_response)

    server = make_server("127.0.0.1", 0, answer)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{server.port}", "hms.lan"
    server.shutdown()
    serving.join()
    server.server_close()


def test_every_process_of_the_hospital_gets_the_same_secrets_and_none_has_a_default():
    described = _described()
    processes = [described["services"][name] for name in ("migrate", "web", "worker", "short-worker", "clock")]
    owner = {"database_owner_url"}
    assert all(set(process["secrets"]) - owner == set(processes[1]["secrets"]) for process in processes)
    assert [owner <= set(process["secrets"]) for process in processes] == [True, False, False, False, False]
    assert all(secret["file"].startswith("./secrets/") for secret in described["secrets"].values())
    assert "--appendonly yes" in " ".join(described["services"]["broker"]["command"])
