"""A hospital with its own queue server and real workers."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from flask import Flask

from hms.local.servers.valkey import Valkey
from tests.conftest import key_of, own_application

ROOT = Path(__file__).resolve().parents[2]


def environment_of(app: Flask) -> dict[str, str]:
    """The environment of a program of this application's hospital."""
    return {
        **os.environ,
        "DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
        "REDIS_URL": app.config["REDIS_URL"],
        "HMS_DATA_DIR": str(app.config["DATA_DIR"]),
        "HMS_HOSTS": "127.0.0.1",
        **{name.upper(): key_of(name) for name in ("secret_key", "jwt_secret_key", "audit_key")},
        "TOTP_KEYS": key_of("totp"),
    }


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Valkey]:
    """A queue server of this test's own, which it may stop."""
    valkey = Valkey(tmp_path, is_durable=False)
    valkey.start()
    yield valkey
    if valkey.running():
        valkey.stop()


@pytest.fixture
def hospital(template: str, broker: Valkey, tmp_path: Path) -> Iterator[Flask]:
    """An application with a database and a queue server of its own."""
    with own_application(f"hms_printing_{os.getpid()}", template, redis_url=broker.url(), data_dir=tmp_path) as app:
        yield app


@pytest.fixture
def worker(hospital: Flask, tmp_path: Path) -> Iterator[Any]:
    """Starts real workers; those still alive are killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "work", *options]
        with (tmp_path / "worker.log").open("ab") as log:
            running = subprocess.Popen(
                command, cwd=ROOT, env=environment_of(hospital), start_new_session=True, stdout=log, stderr=log
            )
        started.append(running)
        return running

    yield start
    for process in started:
        kill(process)


def kill(worker: subprocess.Popen[bytes]) -> None:
    """Kill the worker and the process of its job (RQ starts that one in its own process group)."""
    if worker.poll() is None:
        everyone = [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(recursive=True)]
        for process in everyone:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(everyone, 20)
    worker.wait(20)
