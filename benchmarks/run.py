"""`make bench`: measures HMS with 100,000 patients and with a tenth of them.

With `HMS_BENCH=small` (`make bench SMALL=1`) it measures only the tenth, with `HMS_BENCH=papers` (`make bench PAPERS=1`) only
papers, with `HMS_BENCH=million` (`make bench MILLION=1`) a million patients. With `HMS_BENCH_ONLY=search,book` (`make bench
ONLY=search,book`) it measures only the kinds of request whose name has one of these words, and no papers.

python -m benchmarks.run
"""

from __future__ import annotations

import os
import sys
import time

from benchmarks import papers, report, servers
from benchmarks.figures import Measured
from benchmarks.measure import Measurement, facts
from benchmarks.servers import Bench

MILLION, FULL, TENTH = 1_000_000, 100_000, 10_000
SIZES = {"small": (TENTH,), "papers": (), "million": (MILLION,)}
PREPARED = "prepared"
COUNTS = {MILLION: {1: 300, 8: 800}, FULL: {1: 300, 8: 800}, TENTH: {1: 200, 8: 320}}


def main() -> int:
    """Run the benchmark and print the tables of each size when it is measured; 1 when a request kind failed."""
    started = time.monotonic()
    sizes = SIZES.get(os.environ.get("HMS_BENCH", ""), (TENTH, FULL))
    only = [word.strip() for word in os.environ.get("HMS_BENCH_ONLY", "").split(",") if word.strip()]
    results: list[Measured] = []
    paper_figures = None
    with servers.running() as bench:
        print("Preparing the tables, prices, medicines and codes …", flush=True)
        _prepare(bench)
        for patients in sizes:
            is_whole = patients == sizes[-1] and not only
            results.append(_measure_size(bench, patients, only, is_whole=is_whole))
            _print_size(results)
        if not only:
            paper_figures = _measure_papers(bench)
            print(papers.table(paper_figures))
    seconds = time.monotonic() - started
    report.write(results, paper_figures, seconds)
    print(f"\nThis took {seconds / 60:.0f} min; everything is in {report.FILE.name}.")
    return int(any(figure.problem for measured in results for figure in measured.figures))


def _print_size(results: list[Measured]) -> None:
    measured = results[-1]
    print(
        f"\n{report.table(measured, results[0] if len(results) > 1 else None)}\n\n{report.others(measured)}\n",
        flush=True,
    )


def _prepare(bench: Bench) -> None:
    bench.postgres.ensure_database(PREPARED)
    environment = bench.environment(PREPARED)
    servers.run(bench, environment, "-m", "flask", "--app", "wsgi", "db", "upgrade")
    servers.run(bench, environment, "-m", "benchmarks.data", "staff")


def _measure_papers(bench: Bench) -> papers.PaperFigures:
    print("Measuring papers …", flush=True)
    bench.copy_database(PREPARED, "papers")
    bench.empty_queue()
    return papers.measure(bench, "papers")


def _measure_size(bench: Bench, patients: int, only: list[str], *, is_whole: bool) -> Measured:
    name = f"patients_{patients}"
    print(f"Writing the data of {patients:,} patients …", flush=True)
    bench.copy_database(PREPARED, name)
    bench.empty_queue()
    started = time.monotonic()
    servers.run(bench, bench.owner_environment(name), "-m", "benchmarks.data", str(patients))
    print(f"Written in {time.monotonic() - started:.0f} s; measuring (CPU in ms at 1 and 8 clients) …", flush=True)
    known = facts(bench, name, patients)
    return Measurement(bench, name, known, COUNTS[patients], only).run(is_whole=is_whole)


if __name__ == "__main__":
    sys.exit(main())
