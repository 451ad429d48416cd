"""Measures papers: the processor time of an invoice, twenty invoices requested at once, and twenty beside a very long bill.

The three workers are those of `make run`. Times are those of the outbox: from the request to "done".
"""

from __future__ import annotations

import contextlib
import re
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import servers
from benchmarks.load import Client, Failed
from benchmarks.servers import Background, Bench
from hms.local.processes import wait_until

ONE_BY_ONE, AT_ONCE, LONG_LINES = 10, 20, 10_000
MAX_SECONDS = 600
CPU_AIM, P95_AIM, DELAY_AIM, MEMORY_AIM = 0.35, 4.0, 1.0, 500.0
NOISE = 1.2
"""The first invoice after a start may take so many times the tenth."""
PATIENT = {"first_name": "Aminata", "last_name": "Bangura", "date_of_birth": "1991-02-03", "gender": "F"}


@dataclass
class PaperFigures:
    """Seconds, and MiB. `cpu` is the processor time of invoices made one after the other, the first after a start first."""

    cpu: list[float] = field(default_factory=list)
    at_once: list[float] = field(default_factory=list)
    beside_long: list[float] = field(default_factory=list)
    """Requested while the invoice of `LONG_LINES` lines is made."""
    long_seconds: float = 0.0
    long_memory: float = 0.0


class Hospital:
    """A hospital with one patient, whose bills are printed. `workers` makes the papers."""

    def __init__(self, bench: Bench, database: str, program: Client, workers: list[Background]) -> None:
        self._program, self._workers = program, workers
        self._connection = bench.connect(database)
        self._patient = program.post_json("/api/patients/", PATIENT).json["id"]
        self.peak_memory = 0.0
        """The largest resident size of a worker's job so far, in MiB."""

    def issue_bill(self, lines: int = 3) -> int:
        """Issue a bill, which requests its invoice; returns the bill's id."""
        items = [{"description": "Consultation", "amount": "1.50", "quantity": 1}] * lines
        bill = self._program.post_json("/api/bills/", {"patient": self._patient, "items": items}).json["id"]
        self._program.post_json(f"/api/bills/{bill}/issue/", {})
        return bill

    def wait_for_papers(self, *bills: int) -> list[float]:
        """Wait until the invoices of the bills are made; the seconds that each took from its request."""
        query = (
            "SELECT extract(epoch FROM done_at - created_at) FROM outbox WHERE ref_id = ANY(%s) AND done_at IS NOT NULL"
        )
        times: list[float] = []

        def are_made() -> bool:
            self._note_memory()
            times[:] = [float(row[0]) for row in self._connection.execute(query, (list(bills),))]
            return len(times) == len(bills)

        self._wait(are_made)
        return times

    def wait_for_begin(self, bill: int) -> None:
        """Wait until a worker has begun the invoice."""
        query = "SELECT FROM outbox WHERE ref_id = %s AND attempts > 0"
        self._wait(lambda: self._connection.execute(query, (bill,)).rowcount > 0)

    def measure_cpu(self) -> float:
        """Make one invoice; the processor time of the workers until they are idle again."""
        before = self._worker_seconds()
        self.wait_for_papers(self.issue_bill())
        self._wait(lambda: not any(worker.jobs() for worker in self._workers))
        return self._worker_seconds() - before

    def _worker_seconds(self) -> float:
        return sum(worker.seconds() for worker in self._workers)

    def _note_memory(self) -> None:
        for job in (job for worker in self._workers for job in worker.jobs()):
            with contextlib.suppress(OSError):  # the job has ended
                peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{job.pid}/status").read_text())
                self.peak_memory = max(self.peak_memory, int(peak[1]) / 1024 if peak else 0.0)

    @staticmethod
    def _wait(condition: Callable[[], bool]) -> None:
        if not wait_until(condition, MAX_SECONDS):
            raise Failed(f"papers were not made within {MAX_SECONDS} s")


def measure(bench: Bench, database: str) -> PaperFigures:
    """Start a web server and the workers for `database` and measure their papers."""
    figures = PaperFigures()
    with _hospital(bench, database) as hospital:
        figures.cpu = [hospital.measure_cpu() for _number in range(ONE_BY_ONE)]
        figures.at_once = hospital.wait_for_papers(*(hospital.issue_bill() for _number in range(AT_ONCE)))
        long_bill = hospital.issue_bill(LONG_LINES)
        hospital.wait_for_begin(long_bill)
        figures.beside_long = hospital.wait_for_papers(*(hospital.issue_bill() for _number in range(AT_ONCE)))
        (figures.long_seconds,) = hospital.wait_for_papers(long_bill)
        figures.long_memory = hospital.peak_memory
    return figures


@contextlib.contextmanager
def _hospital(bench: Bench, database: str) -> Iterator[Hospital]:
    environment = bench.environment(database)
    with contextlib.ExitStack() as stack:
        web = stack.enter_context(servers.web(bench, environment | {"HMS_DEMO": "0"}))
        workers = stack.enter_context(servers.workers(bench, environment))
        stack.enter_context(servers.background(bench, environment, "schedule"))
        if not wait_until(lambda: bench.count_workers() == len(workers), MAX_SECONDS):
            raise TimeoutError("the workers did not start")
        program = Client(web.address.host, web.address.port).token_for("admin")
        stack.callback(program.close)
        yield Hospital(bench, database, program, workers)


def table(figures: PaperFigures) -> str:
    """The results as lines with their aims."""
    first, median, tenth = figures.cpu[0], statistics.median(figures.cpu), figures.cpu[-1]
    p95, beside_long = _p95(figures.at_once), _p95(figures.beside_long)
    lines = [
        "Papers",
        _line("an invoice of one page, CPU", median, CPU_AIM),
        _line("the first after a start, CPU", first, tenth * NOISE),
        _line("the tenth, CPU", tenth),
        _line(f"{AT_ONCE} requested at once, median", statistics.median(figures.at_once)),
        _line(f"{AT_ONCE} requested at once, p95", p95, P95_AIM),
        _line(f"the same beside a bill of {LONG_LINES:,} lines, p95", beside_long, P95_AIM + DELAY_AIM),
        _line(f"the bill of {LONG_LINES:,} lines", figures.long_seconds),
        _line("its largest memory", figures.long_memory, MEMORY_AIM, "MiB"),
    ]
    return "\n".join(lines)


def _line(name: str, value: float, aim: float | None = None, unit: str = "s") -> str:
    verdict = "" if aim is None else f"  at most {aim:.2f}: {'yes' if value <= aim else 'NO'}"
    return f"{name:50}{value:10.2f} {unit}{verdict}"


def _p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20, method="inclusive")[-1]
