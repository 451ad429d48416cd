"""The supervisor starts, watches and stops a hospital; with small programs instead of the real ones."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from hms.local import processes
from hms.local.servers import ports
from hms.local.supervisor.child_process import Child

ROOT = Path(__file__).resolve().parents[2]

# Takes the place of the hospital's wsgi.py and of its commands, and notes what happened to it.
APPLICATION = """
import os, signal, sys
from pathlib import Path

notes = Path(os.environ["HMS_DATA_DIR"]) / "notes"

def app(environ, start_response):
    is_health = environ["PATH_INFO"] == "/api/health/"
    start_response("200 OK" if is_health else "404 Not Found", [("Content-Type", "text/plain")])
    return [os.environ["SOCKETIO_ASYNC"].encode()]

def note(text):
    with notes.open("a") as file:
        file.write(text + "\\n")

def stay(name):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(note(f"{name} went")))
    note(f"{name} came")
    if name == "schedule" and notes.read_text().count("schedule came") == 1:
        sys.exit("the clock fell down")
    while True:
        signal.pause()

if __name__ == "__main__":
    if sys.argv[1] in ("work", "schedule"):
        stay(" ".join(sys.argv[1:]))
    note(" ".join(sys.argv[1:]) + " with " + os.environ["DATABASE_URL"])
"""

STARTER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from hms.local import paths
from hms.local.supervisor import main as supervisor
paths.ROOT = Path(sys.argv[2])
supervisor.PREPARE_COMMAND = [sys.executable, "wsgi.py", "opening"]
supervisor.flask_command = lambda *words: [sys.executable, "wsgi.py", *words]
sys.exit(supervisor.main())
"""


class Opened:
    """A running supervisor, with its messages and those of its programs."""

    def __init__(self, folder, **variables):
        self.port = ports.choose_port()
        self.home = folder / "data"
        self.output = folder / f"output-{self.port}"
        (folder / "wsgi.py").write_text(APPLICATION)
        environment = {**os.environ, "HMS_DATA_DIR": str(self.home), "HMS_PORT": str(self.port), "HMS_DEMO": "1"}
        for name in ("DATABASE_URL", "REDIS_URL", "MAKELEVEL"):
            environment.pop(name, None)
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", STARTER, str(ROOT), str(folder)],
                env=environment | variables,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self, words):
        return words in self.output.read_text()

    def waits_for(self, words):
        assert processes.wait_until(lambda: self.said(words) or self.process.poll() is not None, 60)
        assert self.said(words), self.output.read_text()

    def notes(self):
        return (self.home / "notes").read_text().split("\n")[:-1]

    def programs(self):
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def open_hospital(tmp_path):
    opened = []

    def start(**variables):
        opened.append(Opened(tmp_path, **variables))
        return opened[-1]

    yield start
    for hospital in opened:
        if hospital.process.poll() is None:
            hospital.process.terminate()
        hospital.process.wait(60)


def requests_wait_for_the_web_server(hospital):
    for program in hospital.programs():
        if "gunicorn" in program.cmdline():
            program.kill()
    with urllib.request.urlopen(f"http://127.0.0.1:{hospital.port}/api/health/", timeout=60) as answer:
        assert answer.status == 200


def test_a_hospital_opens_with_everything_and_closes_in_order(open_hospital, tmp_path):
    hospital = open_hospital()
    hospital.waits_for("The hospital is open")
    assert hospital.said(f"http://127.0.0.1:{hospital.port}")
    assert hospital.said("hospital-demo-2026")
    with urllib.request.urlopen(f"http://127.0.0.1:{hospital.port}/api/health/") as answer:
        assert b"gevent" in answer.read()
    assert hospital.notes()[0].startswith("opening with postgresql+psycopg://")

    same = open_hospital()
    neighbour = open_hospital(HMS_PORT=str(hospital.port), HMS_DATA_DIR=str(tmp_path / "other"))
    same.waits_for("This hospital is already running")
    neighbour.waits_for(f"Another program uses port {hospital.port}")
    assert [same.process.wait(60), neighbour.process.wait(60)] == [1, 1]

    requests_wait_for_the_web_server(hospital)

    for pid in processes.list_running_in(hospital.home / "valkey"):
        os.kill(pid, signal.SIGKILL)
    hospital.waits_for("The queue ended")
    assert processes.wait_until(lambda: hospital.notes().count("schedule came") == 2, 30)
    assert hospital.said("The clock ended early")

    programs = hospital.programs()
    hospital.process.send_signal(signal.SIGINT)
    assert hospital.process.wait(60) == 0
    assert hospital.notes()[-4:] == ["schedule went", "work --short went", "work --short went", "work went"]
    assert not [program for program in programs if program.is_running()]
    assert not processes.list_running_in(hospital.home / "postgres")
    assert not processes.list_running_in(hospital.home / "valkey")


def test_a_killed_supervisor_leaves_no_program_and_the_next_one_takes_over(open_hospital):
    killed = open_hospital()
    killed.waits_for("The hospital is open")
    programs = killed.programs()
    killed.process.kill()
    killed.process.wait()
    _, alive = psutil.wait_procs(programs, timeout=30)
    assert not alive
    postmaster = (killed.home / "postgres" / "postmaster.pid").read_text().split()[0]

    following = open_hospital()
    following.waits_for("Updating tables and demo data")
    assert (killed.home / "postgres" / "postmaster.pid").read_text().split()[0] == postmaster
    following.waits_for("The hospital is open")
    address = (following.home / "postgres.json").read_text()
    os.kill(int(postmaster), signal.SIGKILL)
    following.waits_for("The database ended. It was restarted.")
    assert (following.home / "postgres" / "postmaster.pid").read_text().split()[0] != postmaster
    assert (following.home / "postgres.json").read_text() == address
    assert following.process.poll() is None


def test_a_program_that_ends_early_is_restarted_after_growing_pauses(tmp_path):
    child = Child("clock", ["false"], os.environ, tmp_path)
    child.start()
    pauses = []

    def has_fallen_twice():
        pauses.extend(pause for pause in [child.restart_when_due()] if pause)
        return len(pauses) == 2

    assert processes.wait_until(has_fallen_twice, 20)
    assert pauses == [1, 2]
    assert child.ended_twice_within(10)
    assert not child.ended_twice_within(0.5)
    child.stop(wait_seconds=1)


def test_what_a_killed_program_has_started_ends_before_the_restart(tmp_path):
    """A web process of a killed gunicorn that does not hear TERM, as it is starting, would hold the port."""
    deaf = "trap '' TERM; sleep 600 & echo $! >> started; wait; wait"
    child = Child("web", ["sh", "-c", f"cd {tmp_path}; {deaf}"], os.environ, tmp_path)
    started = tmp_path / "started"

    def has_started(times):
        return processes.wait_until(lambda: started.exists() and started.read_text().count("\n") == times, 10)

    child.start()
    assert has_started(1)
    os.kill(child.pid(), signal.SIGKILL)
    assert processes.wait_until(lambda: child.restart_when_due() is not None, 10)
    assert 0 < child.seconds_to_restart() <= 1
    assert processes.wait_until(lambda: child.restart_when_due() is None and child.pid(), 10)
    assert has_started(2)
    assert not processes.is_running_in(int(started.read_text().split()[0]), tmp_path)
    child.stop(wait_seconds=0.1)


def test_a_program_that_ignores_term_is_killed_with_its_children(tmp_path):
    deaf = "trap '' TERM; sleep 600 & echo $! > started; wait; wait"
    child = Child("worker", ["sh", "-c", f"cd {tmp_path}; {deaf}"], os.environ, tmp_path)
    child.start()
    assert processes.wait_until(
        lambda: (tmp_path / "started").exists() and (tmp_path / "started").read_text() != "", 10
    )
    started = int((tmp_path / "started").read_text())
    child.stop(wait_seconds=0.1)
    assert processes.wait_until(lambda: not processes.is_running_in(started, tmp_path), 10)
