"""The embedded servers a hospital on one machine needs, and the environment that leads its programs to them."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path

from hms.local import paths, secrets
from hms.local.errors import LocalServersFailed
from hms.local.listen_address import allowed_hosts

from .postgres import Postgres
from .shared_locks import SharedUse
from .valkey import Valkey


class Servers:
    """One program's use of the servers of the data directory `home`.

    A server whose address is given (`DATABASE_URL`, `REDIS_URL`) is somebody else's: it is neither started nor stopped.
    """

    def __init__(self, home: Path, given: Mapping[str, str]):
        self.home = home
        self.given = dict(given)
        self.postgres = None if given.get("DATABASE_URL") else Postgres(home)
        self.valkey = None if given.get("REDIS_URL") else Valkey(home)
        self._users = SharedUse(home)

    def join(self) -> dict[str, str]:
        """Starts what does not run yet, takes part in using it, and returns the variables that programs need."""
        return self._users.join(self._start)

    def leave(self) -> bool:
        """Takes part no longer; the last one stops the servers. Says whether this was the last."""
        return self._users.leave(self._stop)

    def revive_valkey(self) -> None:
        """Starts Valkey again after it died."""
        if self.valkey:
            self._users.join(lambda is_alone: self.valkey.start())

    def _start(self, is_alone: bool) -> dict[str, str]:
        variables = (
            {"HMS_DATA_DIR": str(self.home)} | allowed_hosts(self.given) | secrets.ensure_secrets(self.home, self.given)
        )
        addresses = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
        variables |= {name: self.given[name] for name in addresses if self.given.get(name)}
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


@contextlib.contextmanager
def servers_for_command(environment: Mapping[str, str] = os.environ) -> Iterator[dict[str, str]]:
    """For the time of one command: the servers of the `make run` on the same data directory, or own ones."""
    servers = Servers(paths.data_dir(environment), environment)
    variables = servers.join()
    try:
        yield variables
    finally:
        servers.leave()


def ensure_servers(environment: MutableMapping[str, str] = os.environ) -> None:
    """Puts into `environment` what a command lacks, for the life of this program; exits with a sentence if it cannot.

    For the command line, before the application is made: beside a `make run` its servers are used, else own ones. Where
    both addresses are given, nothing is started and no secret is made, so that production still refuses to start
    without its secrets; those that a `make run` keeps in the data directory are read.
    """
    home = paths.data_dir(environment)
    try:
        if all(environment.get(name) or environment.get(f"{name}_FILE") for name in ("DATABASE_URL", "REDIS_URL")):
            kept = secrets.stored_secrets(home, environment)
            environment.update(allowed_hosts(environment) | kept if kept else kept)
            return
        servers = Servers(home, environment)
        environment.update(servers.join())
    except LocalServersFailed as problem:
        sys.exit(str(problem))
    atexit.register(_leave_in_process, os.getpid(), servers)


def _leave_in_process(pid: int, servers: Servers) -> None:
    # A forked worker inherits this duty but must not perform it: the program that joined is still there.
    if os.getpid() == pid:
        servers.leave()
