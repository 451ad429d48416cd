"""The embedded servers start, are shared, survive and stop."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from hms.local import private_files, processes
from hms.local.servers.postgres import Postgres
from hms.local.servers.servers import Servers, servers_for_command
from hms.local.servers.valkey import Valkey

ROOT = Path(__file__).resolve().parents[2]

# Another program on the same data directory: joins, says the addresses, waits for a line, leaves.
NEIGHBOUR = """
import os, sys
from hms.local.servers.servers import servers_for_command
with servers_for_command(os.environ) as variables:
    print(variables["DATABASE_URL"], variables["REDIS_URL"], flush=True)
    sys.stdin.readline()
"""


def query(address, statement):
    with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def postmaster(home):
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


def test_a_command_finds_a_database_and_a_queue_and_leaves_nothing_running(home):
    with servers_for_command({"HMS_DATA_DIR": str(home)}) as variables:
        assert query(variables["DATABASE_URL"], "select datcollate || datlocale from pg_database limit 1") == "CC.UTF-8"
        with redis.Redis.from_url(variables["REDIS_URL"]) as queue:
            assert queue.config_get("appendonly") == {"appendonly": "yes"}
            queue.set("kept", "over night")
        query(variables["DATABASE_OWNER_URL"], "create table kept as select 7 as number")
        files = [home / name for name in ("postgres.json", "valkey.json", "secrets.json", "valkey/valkey.conf")]
        assert {oct(file.stat().st_mode & 0o777) for file in files} == {"0o600"}
    assert not processes.list_running_in(home / "postgres")
    assert not processes.list_running_in(home / "valkey")

    with servers_for_command({"HMS_DATA_DIR": str(home)}) as again:
        assert again == variables
        assert query(again["DATABASE_OWNER_URL"], "select number from kept") == 7
        with redis.Redis.from_url(again["REDIS_URL"]) as queue:
            assert queue.get("kept") == b"over night"


def test_nobody_without_the_password_gets_in(home):
    with servers_for_command({"HMS_DATA_DIR": str(home)}) as variables:
        port = private_files.read(home / "postgres.json")["port"]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host="127.0.0.1", port=port, user="hms", dbname="hms", password="guess")
        no_password = variables["REDIS_URL"].split("@")[1]
        with redis.Redis.from_url(f"redis://{no_password}") as queue, pytest.raises(redis.AuthenticationError):
            queue.ping()


def test_a_second_program_attaches_and_only_the_last_one_stops_the_servers(home):
    environment = {**os.environ, "HMS_DATA_DIR": str(home)}
    servers = Servers(home, {})
    variables = servers.join()
    first = postmaster(home)
    with subprocess.Popen(
        [sys.executable, "-c", NEIGHBOUR],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as neighbour:
        assert neighbour.stdout.readline().split() == [variables["DATABASE_URL"], variables["REDIS_URL"]]
        assert not servers.leave()
        assert postmaster(home) == first
        assert query(variables["DATABASE_URL"], "select 1") == 1
        neighbour.communicate("leave\n", timeout=60)
    assert not processes.list_running_in(home / "postgres")
    assert not processes.list_running_in(home / "valkey")


def test_servers_of_a_killed_program_are_taken_over(home):
    environment = {**os.environ, "HMS_DATA_DIR": str(home)}
    with subprocess.Popen(
        [sys.executable, "-c", NEIGHBOUR],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as killed:
        killed.stdout.readline()
        killed.kill()
    left = postmaster(home)
    servers = Servers(home, {})
    servers.join()
    assert postmaster(home) == left
    assert servers.leave()
    assert not processes.list_running_in(home / "postgres")


def test_what_was_saved_survives_the_killing_of_the_database(home):
    postgres = Postgres(home)
    postgres.start()
    postgres.ensure_database()
    query(postgres.url(), "create table saved as select generate_series(1, 1000) as number")
    killed = postmaster(home)
    os.kill(killed, signal.SIGKILL)
    assert processes.wait_until(lambda: not postgres.running(), 5)
    postgres.start()
    assert postmaster(home) != killed
    assert query(postgres.url(), "select sum(number) from saved") == 500500


def test_a_pid_file_left_by_a_power_cut_may_name_any_program_that_runs_now(home):
    postgres = Postgres(home)
    postgres.start()
    left = (home / "postgres" / "postmaster.pid").read_text().splitlines()
    postgres.stop()
    (home / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getppid()), *left[1:]]) + "\n")
    assert not postgres.running()
    postgres.start()
    assert postgres.running()


def test_servers_move_when_another_program_took_their_port_meanwhile(home):
    servers = Servers(home, {})
    before = servers.join()
    servers.leave()
    ports = [int(private_files.read(home / f"{name}.json")["port"]) for name in ("postgres", "valkey")]
    with socket.create_server(("127.0.0.1", ports[0])), socket.create_server(("127.0.0.1", ports[1])):
        after = servers.join()
        assert query(after["DATABASE_URL"], "select 1") == 1
        assert before["DATABASE_URL"] != after["DATABASE_URL"]
        assert before["REDIS_URL"] != after["REDIS_URL"]
        servers.leave()


def test_a_spoilt_queue_file_is_put_aside(home):
    valkey = Valkey(home)
    valkey.start()
    valkey.stop()
    (spoilt,) = (home / "valkey" / "appendonlydir").glob("*.base.rdb")
    spoilt.write_bytes(b"not what was written")
    valkey.start()
    assert valkey.running()
    assert (home / "valkey.broken" / spoilt.name).read_bytes() == b"not what was written"


def test_servers_that_are_given_are_neither_started_nor_stopped(home):
    given = {"DATABASE_URL": "postgresql+psycopg://elsewhere/hms", "REDIS_URL": "redis://elsewhere/0"}
    servers = Servers(home, given)
    variables = servers.join()
    assert {name: variables[name] for name in given} == given
    assert servers.leave()
    assert not (home / "postgres").exists()
    assert not (home / "valkey").exists()
