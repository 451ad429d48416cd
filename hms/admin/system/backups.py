"""Backups. All data is in PostgreSQL, documents too, so that one dump has everything except the four secrets."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from flask import current_app
from flask_migrate import upgrade
from sqlalchemy import create_engine, func, inspect, select, text
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.pool import NullPool

from hms.core import clock
from hms.core.db.session import db
from hms.local.servers import binaries
from hms.patients.models import Patient


class BackupFailed(Exception):
    """The backup or the restore failed; the message says why."""


def backup(folder: Path) -> Path:
    """Write the whole database into `folder` as `hms-YYYYMMDD-HHMMSS.dump` (pg_dump's custom format); returns the file.

    The file gets its name only when it is complete. It has patient data: keep it as safe as the database.
    """
    final = folder / f"hms-{clock.now():%Y%m%d-%H%M%S}.dump"
    part = final.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.touch(mode=0o600)
    except OSError as error:
        raise BackupFailed(f"{folder} could not be written: {error.strerror}. Choose another folder.") from error
    try:
        _run("pg_dump", ["--format=custom", "--no-owner", "--no-privileges", f"--file={part}"])
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    with part.open("rb") as written:
        os.fsync(written.fileno())
    return part.rename(final)


def restore(source: Path) -> Path:
    """Restore a backup (a file, or the newest in a folder) and migrate it; returns the file. `BackupFailed` when the
    database has patients.

    The backup may be of an older version, so the whole schema is removed before, with objects that the backup does not have.
    """
    dump = source if source.is_file() else max(source.glob("hms-*.dump"), default=None)
    if dump is None:
        raise BackupFailed(f"There is no backup in {source}.")
    if _has_patients():
        raise BackupFailed("This database has patients. Restore into an empty one.")
    db.session.remove()
    db.engine.dispose()
    _run("pg_restore", ["--list", str(dump)], into=True)  # fails for an unreadable file, before anything is removed
    _drop_schema()
    _run(
        "pg_restore",
        ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(dump)],
        into=True,
    )
    upgrade()  # also grants the application's role its privileges, which are not in the dump
    return dump


def _owner() -> Engine:
    return create_engine(current_app.config["DATABASE_OWNER_URL"], poolclass=NullPool, hide_parameters=True)


def _drop_schema() -> None:
    """Remove everything in the database, also newer views and functions, which an older backup would not replace."""
    with _owner().begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


def _has_patients() -> bool:
    with _owner().connect() as connection:
        if not inspect(connection).has_table("patient"):
            return False
        return connection.execute(select(func.count()).select_from(Patient)).scalar_one() > 0


def _run(name: str, arguments: list[str], *, into: bool = False) -> None:
    """Run a program of PostgreSQL on the database as its owner; the password is in its environment."""
    url = make_url(current_app.config["DATABASE_OWNER_URL"])
    target = [f"--dbname={url.database}"] if into else [str(url.database)]
    server = [
        f"--host={url.host or url.query.get('host', '')}",
        f"--port={url.port or 5432}",
        f"--username={url.username}",
    ]
    result = subprocess.run(  # noqa: S603 - our own program and arguments
        [_program(name), *server, "--no-password", *arguments, *target],
        env=os.environ | {"PGPASSWORD": _password(url)},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise BackupFailed((result.stderr.strip().splitlines() or [f"{name} failed."])[-1])


def _password(url: URL) -> str:
    return str(url.password or "")


def _program(name: str) -> str:
    packaged = [folder / name for folder in binaries.packaged_folders()]
    program = next((str(path) for path in packaged if path.exists()), None) or shutil.which(name)
    if program is None:
        raise BackupFailed(f"PostgreSQL's program {name} is not on this machine. Install the PostgreSQL client.")
    return program
