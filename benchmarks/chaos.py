"""`make chaos`: ten people work while worker, web server, queue and database are killed in turn (`kill -9`).

Everybody sends each request with an idempotency key. A dropped connection and a 503 count as no answer, and the same
request is sent again. At the end nothing acknowledged may be lost, nothing may be there twice, no answer may have been a
server error but 503, and all papers are made within two minutes. It takes at most
ten minutes (`HMS_CHAOS_SECONDS`).

python -m benchmarks.chaos
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from threading import Event, Thread

import psutil

from benchmarks.chaos_checks import find_faults, papers_waiting
from benchmarks.chaos_people import Journal, Person, sign_in, wait_for_health
from hms.local import paths, processes
from hms.local.servers import ports
from hms.local.servers.postgres import Postgres
from hms.local.supervisor.main import flask_command

HOME = paths.ROOT / ".local" / "chaos"
ROUNDS = 100
LONGEST_SECONDS = int(os.environ.get("HMS_CHAOS_SECONDS") or 600)
PAPERS_SECONDS = 120
CHECK_SECONDS = 60
"""Kept for starting the programs again and for the checks."""
BETWEEN_KILLS = 1.5
LONGEST_PAUSE = 60
PEOPLE = ("receptionist",) * 4 + ("cashier",) * 4 + ("doctor", "nurse")
PREPARE_SECONDS = LONGEST_SECONDS / 2


class Hospital:
    """A hospital under its supervisor, as `make run` starts it."""

    def __init__(self) -> None:
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir(parents=True)
        port = ports.choose_port()
        self.url = f"http://127.0.0.1:{port}"
        own = {"HMS_DATA_DIR": str(HOME), "HMS_PORT": str(port), "HMS_DEMO": "1"}
        servers = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "MAKELEVEL")
        self.environment = {name: text for name, text in os.environ.items() if name not in servers} | own
        self.log = (HOME / "supervisor.log").open("w")
        command = [sys.executable, "-m", "hms.local.supervisor"]
        self.process = subprocess.Popen(
            command, cwd=paths.ROOT, env=self.environment, stdout=self.log, stderr=subprocess.STDOUT
        )

    def programs(self, *words: str) -> list[psutil.Process]:
        """The supervisor's own programs with all `words` among the words of the command."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            command = child.cmdline()
            if all(word in command for word in words):
                found.append(child)
        return found

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the hospital beside it."""
        return subprocess.run(
            flask_command(*words),
            cwd=paths.ROOT,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(90)
        self.log.close()

    def victims(self) -> dict[str, Callable[[], list[psutil.Process]]]:
        """What is killed in turn, and how it is found."""
        return {
            "worker": lambda: self.programs("work"),
            "web process": lambda: [child for web in self.programs("gunicorn") for child in web.children()][:1],
            "queue": lambda: [psutil.Process(pid) for pid in processes.list_running_in(HOME / "valkey")],
            "database": lambda: [psutil.Process(int((HOME / "postgres" / "postmaster.pid").read_text().split()[0]))],
            "clock": lambda: self.programs("schedule"),
            "database connection": self._backends,
            "paper at work": lambda: [child for work in self.programs("work") for child in work.children()],
        }

    def _backends(self) -> list[psutil.Process]:
        postmaster = psutil.Process(int((HOME / "postgres" / "postmaster.pid").read_text().split()[0]))
        return [child for child in postmaster.children() if "hms_app" in " ".join(child.cmdline())][:1]


def kill_in_turn(hospital: Hospital, journal: Journal, ends_at: float) -> Counter[str]:
    """Kill one program after the other until `ROUNDS` or `ends_at`; returns how often each was killed."""
    killed: Counter[str] = Counter()
    for name, find in cycle(hospital.victims().items()):
        if sum(killed.values()) >= ROUNDS or time.monotonic() > ends_at or hospital.process.poll() is not None:
            return killed
        try:
            for process in find():
                process.kill()
                killed[name] += 1
        except (psutil.Error, OSError, ValueError, IndexError):
            continue  # it is just starting again
        print(f"\r{sum(killed.values()):4} kills, {len(journal.done):6} done", end="", flush=True)
        time.sleep(BETWEEN_KILLS)
        with contextlib.suppress(TimeoutError):
            wait_for_health(hospital.url, LONGEST_PAUSE)  # people work between two kills, also on a slow machine
    return killed


def main() -> int:
    """Run the hospital, the people and the kills; print what was found. 1 when anything is wrong."""
    began = time.monotonic()
    print("Opening a hospital with demo data …", flush=True)
    hospital, journal, is_over = Hospital(), Journal(), Event()
    try:
        wait_for_health(hospital.url, PREPARE_SECONDS)
        tokens = {name: sign_in(hospital.url, name) for name in set(PEOPLE)}
        people = [Person(hospital.url, name, tokens[name], n, journal, is_over) for n, name in enumerate(PEOPLE)]
        threads = [Thread(target=person.work, daemon=True) for person in people]
        for thread in threads:
            thread.start()
        killed = kill_in_turn(hospital, journal, began + LONGEST_SECONDS - PAPERS_SECONDS - CHECK_SECONDS)
        is_over.set()
        for thread in threads:
            thread.join(90)
        if hospital.process.poll() is not None:
            journal.problems.append("the supervisor ended")
        seconds = _wait_for_papers(journal)
        faults = find_faults(_database(), journal) + _prove(hospital)
    except TimeoutError as error:
        print(f"{error}. Read {HOME / 'log'}; on a busy machine give it longer: HMS_CHAOS_SECONDS=1200.")
        return 1
    finally:
        hospital.close()
    return _report(journal, killed, faults, seconds, time.monotonic() - began)


def _database() -> str:
    return Postgres(HOME).url().replace("+psycopg", "")


def _wait_for_papers(journal: Journal) -> float:
    started = time.monotonic()
    processes.wait_until(lambda: papers_waiting(_database()) == 0, PAPERS_SECONDS)
    if waiting := papers_waiting(_database()):
        journal.problems.append(f"{waiting} papers were not made within {PAPERS_SECONDS} seconds")
    return time.monotonic() - started


def _prove(hospital: Hospital) -> list[str]:
    faults = []
    for words in (("prove",), ("audit", "verify")):
        result = hospital.run(*words)
        if result.returncode:
            faults.append(f"flask {' '.join(words)}: {(result.stdout + result.stderr).strip()[-2000:]}")
    return faults


def _report(journal: Journal, killed: Counter[str], faults: list[str], papers: float, seconds: float) -> int:
    print(f"\n\nKilled: {', '.join(f'{name} {count}' for name, count in killed.items())}")
    print(f"Done and acknowledged: {dict(Counter(kind for kind, _marker in journal.done))}")
    print(f"Answers: {dict(sorted(journal.answers.items(), key=str))}")
    print(f"The papers were made within {papers:.0f} s after the last kill. This took {seconds / 60:.1f} min.")
    problems = [*journal.problems, *faults]
    for problem in problems[:50]:
        print(f"  WRONG: {problem}")
    print(f"{len(problems)} problems." if problems else "Nothing was lost, nothing was done twice.")
    print(f"Logs: {Path(HOME, 'log')}")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
