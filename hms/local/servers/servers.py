"""The embedded servers of a hospital on one machine, and the environment variables with their addresses."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path

from hms.local import paths, processes, secrets
from hms.local.errors import LocalServersFailed
from hms.local.listen_address import allowed_hosts

from . import ports
from .postgres import Postgres
from .shared_locks import SharedUse
from .valkey import Valkey


class Servers:
    """One program's use of the servers of the data directory `home`.

    A server whose address is in `environment` (`DATABASE_URL`, `REDIS_URL`) is neither started nor stopped.
    """

    def __init__(self, home: Path, environment: Mapping[str, str]):
        self.home = home
        self.environment = dict(environment)
        self.postgres = None if environment.get("DATABASE_URL") else Postgres(home)
        self.valkey = None if environment.get("REDIS_URL") else Valkey(home)
        self._shared_use = SharedUse(home)

    def join(self) -> dict[str, str]:
        """Starts the servers that do not run, registers as their user, and returns the environment variables for programs."""
        return self._shared_use.join(self._start)

    def leave(self) -> bool:
        """Ends the use; the last user stops the servers. Returns whether this was the last."""
        return self._shared_use.leave(self._stop)

    def pids(self) -> list[int | None]:
        """The process ids of the servers that it owns; None of one that does not run."""
        return [server.pid() for server in (self.postgres, self.valkey) if server]

    def restart_ended(self) -> list[str]:
        """Starts the servers again that ended, on their ports; returns their names. Raises `LocalServersFailed`."""
        owned = {"database": self.postgres, "queue": self.valkey}
        ended = {name: server for name, server in owned.items() if server and not server.running()}
        for server in ended.values():
            self._shared_use.join(lambda _is_alone, server=server: _restart(server))
        return list(ended)

    def _start(self, is_alone: bool) -> dict[str, str]:
        variables = (
            {"HMS_DATA_DIR": str(self.home)}
            | allowed_hosts(self.environment)
            | secrets.ensure_secrets(self.home, self.environment)
        )
        addresses = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
        variables |= {name: self.environment[name] for name in addresses if self.environment.get(name)}
        try:
            if self.postgres:
                self.postgres.start()
                self.postgres.ensure_database()
                self.postgres.ensure_application()
                variables["DATABASE_URL"] = self.postgres.application_url()
                variables["DATABASE_OWNER_URL"] = self.postgres.url()
            if self.valkey:
                self.valkey.start()
                variables["REDIS_URL"] = self.valkey.url()
        except BaseException:
            if is_alone:
                self._stop()
            raise
        return variables

    def _stop(self) -> None:
        try:
            if self.valkey:
                self.valkey.stop()
        finally:
            if self.postgres:
                self.postgres.stop()


def _restart(server: Postgres | Valkey) -> None:
    """Starts the server on its port, which the programs know; a killed one may need a moment to release it."""
    if not processes.wait_until(lambda: ports.is_free("127.0.0.1", server.port()), 20):
        raise LocalServersFailed(f"Another program uses port {server.port()} of the hospital. Stop that program.")
    server.start()


@contextlib.contextmanager
def servers_for_command(environment: Mapping[str, str] = os.environ) -> Iterator[dict[str, str]]:
    """Runs the block with servers: those of a `make run` on the same data directory, or own ones."""
    servers = Servers(paths.data_dir(environment), environment)
    variables = servers.join()
    try:
        yield variables
    finally:
        servers.leave()


def ensure_servers(environment: MutableMapping[str, str] = os.environ) -> None:
    """Adds the missing variables to `environment` until this program ends; exits with a message when it cannot.

    Called on the command line before the application is created. It uses the servers of a `make run` on the same data
    directory, or starts own ones. When both addresses are set, it starts nothing and creates no secret, so that production
    refuses to start without secrets; it only reads secrets that a `make run` stored in the data directory.
    """
    home = paths.data_dir(environment)
    try:
        if all(environment.get(name) or environment.get(f"{name}_FILE") for name in ("DATABASE_URL", "REDIS_URL")):
            stored = secrets.stored_secrets(home, environment)
            environment.update(allowed_hosts(environment) | stored if stored else stored)
            return
        servers = Servers(home, environment)
        environment.update(servers.join())
    except LocalServersFailed as problem:
        sys.exit(str(problem))
    atexit.register(_leave_in_process, os.getpid(), servers)


def _leave_in_process(pid: int, servers: Servers) -> None:
    # A forked worker inherits this exit handler, but only the process that joined may leave.
    if os.getpid() == pid:
        servers.leave()
