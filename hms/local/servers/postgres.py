"""The embedded PostgreSQL: the same engine as in production, started from a Python package.

It listens on 127.0.0.1 with SCRAM passwords. Port and generated password are stored in `postgres.json` (mode 0600). A unix
socket is not used: its path is limited to 107 characters, and the system deletes old files under /tmp.

The package's own Python layer is not used: as root it would create a system user and open every parent directory.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from hms.local import paths, private_files, processes, secrets, unprivileged_account
from hms.local.errors import LocalServersFailed

from . import binaries, ports

OWNER = "hms"
APPLICATION = "hms_app"
"""The database role of the programs; hms/core/db/roles.py sets its permissions."""

# Also in docker-compose.yml: without these options names would sort differently from machine to machine.
LOCALE = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]

# No parameter values and no row contents in the log: they are patients' data.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "wal_compression": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_min_duration_statement": "1s",
    "log_parameter_max_length": "0",
    "log_error_verbosity": "terse",
    "idle_in_transaction_session_timeout": "10min",
}

# For data that may be lost: the server of the tests.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


@dataclass
class Postgres:
    """The server of the hospital data directory `home`; its own files are in `home/postgres`."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        return self.home / "postgres"

    @property
    def log(self) -> Path:
        return self.home / "log" / "postgres.log"

    def url(self, database: str = OWNER) -> str:
        """The address of `database` for SQLAlchemy with psycopg 3."""
        stored = self._read_stored()
        return f"postgresql+psycopg://{OWNER}:{stored['password']}@127.0.0.1:{stored['port']}/{database}"

    def application_url(self, database: str = OWNER) -> str:
        """The address of `database` for the programs, which may neither change tables nor rewrite the audit trail."""
        stored = self._read_stored()
        login = f"{APPLICATION}:{stored['application_password']}"
        return f"postgresql+psycopg://{login}@127.0.0.1:{stored['port']}/{database}"

    def port(self) -> int:
        """The port on 127.0.0.1 of a server that was started before."""
        return int(self._read_stored()["port"])

    def start(self) -> None:
        """Starts the server, also after a power cut; does nothing when it already runs. Raises `LocalServersFailed`."""
        if self.running():
            return
        unprivileged_account.make_server_folder(self.directory)
        program = binaries.find_program("postgres", self.directory)
        if not (self.directory / "PG_VERSION").exists():
            self._make_cluster(program.with_name("initdb"))
        self._clean_up_killed_server()
        self._launch(program.with_name("pg_ctl"))

    def stop(self) -> None:
        """Stops the server: ends open connections, writes all data to disk; returns when it has stopped."""
        pid = self._pid()
        if not self.running() or pid is None:
            return
        os.kill(pid, signal.SIGINT)
        if not processes.wait_until(lambda: not processes.is_running_in(pid, self.directory), 60):
            os.kill(pid, signal.SIGQUIT)
            processes.wait_until(lambda: not processes.is_running_in(pid, self.directory), 10)

    def running(self) -> bool:
        """Whether the server of this data directory runs."""
        pid = self._pid()
        return pid is not None and processes.is_running_in(pid, self.directory)

    def pid(self) -> int | None:
        """The server's process id; None when it does not run."""
        return self._pid() if self.running() else None

    def ensure_database(self, name: str = OWNER) -> None:
        """Creates the database `name` if it does not exist."""
        with self.connect() as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))

    def ensure_application(self) -> None:
        """Creates the database role of the programs if it does not exist; it may only log in."""
        if "application_password" not in self._read_stored():
            self._store(application_password=secrets.new_secret())
        name, password = sql.Identifier(APPLICATION), sql.Literal(self._read_stored()["application_password"])
        with self.connect() as connection:
            if not connection.execute("select 1 from pg_roles where rolname = %s", [APPLICATION]).fetchone():
                connection.execute(sql.SQL("create role {} login password {}").format(name, password))

    def connect(self) -> psycopg.Connection:
        """A connection to the server's maintenance database, outside transactions. The caller closes it."""
        stored = self._read_stored()
        return psycopg.connect(
            host="127.0.0.1",
            port=stored["port"],
            user=OWNER,
            password=stored["password"],
            dbname="postgres",
            autocommit=True,
        )

    def _read_stored(self) -> dict[str, str]:
        return private_files.read(self.home / "postgres.json")

    def _store(self, **values: str) -> None:
        private_files.write(self.home / "postgres.json", self._read_stored() | values)

    def _pid(self) -> int | None:
        try:
            return int((self.directory / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def _make_cluster(self, initdb: Path) -> None:
        """Creates the cluster in a temporary directory and moves it, so that a power cut leaves no incomplete cluster."""
        draft = self.home / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        unprivileged_account.make_server_folder(draft)
        self._store(password=secrets.new_secret())
        password_file = self.home / ".postgres-password"
        private_files.write_text(password_file, self._read_stored()["password"])
        unprivileged_account.give_to_owner(password_file, draft)
        durability = ["--no-sync"] if self.settings.get("fsync") == "off" else []
        access = ["--auth=scram-sha-256", f"--username={OWNER}", f"--pwfile={password_file}"]
        command = [str(initdb), f"--pgdata={draft}", *LOCALE, *access, *durability]
        try:
            self._run(command, draft)
        finally:
            password_file.unlink()
        self.directory.rmdir()
        draft.rename(self.directory)

    def _clean_up_killed_server(self) -> None:
        """Waits for the last processes of a killed server; removes its pid file when another program has that process id."""
        processes.wait_until(lambda: not processes.list_running_in(self.directory), 15)
        pid = self._pid()
        if pid is not None and processes.exists(pid):
            (self.directory / "postmaster.pid").unlink()

    def _launch(self, pg_ctl: Path) -> None:
        for attempt in range(5):
            port = self._port(is_new=attempt > 0)
            options = {"port": str(port)} | SETTINGS | self.settings
            server_options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in options.items())
            log = paths.log_file(self.home, "postgres")
            log.touch(mode=0o600)
            unprivileged_account.give_to_owner(log, self.directory)
            command = [
                str(pg_ctl),
                "start",
                "-w",
                "-t",
                "300",
                "-s",
                "-D",
                str(self.directory),
                "-l",
                str(log),
                "-o",
                server_options,
            ]
            try:
                return self._run(command, self.directory)
            except LocalServersFailed:
                if ports.is_free("127.0.0.1", port):
                    raise
        raise LocalServersFailed("PostgreSQL found no free port on 127.0.0.1. Stop some programs, then start again.")

    def _port(self, *, is_new: bool) -> int:
        stored_port = self._read_stored().get("port")
        if stored_port and not is_new and ports.is_free("127.0.0.1", int(stored_port)):
            return int(stored_port)
        port = ports.choose_port()
        self._store(port=str(port))
        return port

    def _run(self, command: list[str], directory: Path) -> None:
        """Runs a program of PostgreSQL as the owner of `directory`, in English and without this program's environment."""
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
        result = subprocess.run(
            [*unprivileged_account.command_prefix(directory), *command],
            cwd=directory,
            env=environment,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,
        )
        if result.returncode:
            output = (result.stderr or result.stdout).strip()
            raise LocalServersFailed(
                f"PostgreSQL did not start: {output}\nThe end of {self.log}:\n{paths.last_lines(self.log)}"
            )
