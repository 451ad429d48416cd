"""`make bench`: measures HMS with 100,000 patients and with a tenth of them.

With `HMS_BENCH=small` (`make bench SMALL=1`) it measures only the tenth, with `HMS_BENCH=papers` (`make bench PAPERS=1`) only
papers, with `HMS_BENCH=million` (`make bench MILLION=1`) a million patients.

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
    """Run the benchmark and print its tables; 1 when a request kind failed."""
    started = time.monotonic()
    sizes = SIZES.get(os.environ.get("HMS_BENCH", ""), (TENTH, FULL))
    results: list[Measured] = []
    with servers.running() as bench:
        print("Preparing the tables, prices, medicines and codes …", flush=True)
        _prepare(bench)
        for patients in sizes:
            results.append(_measure_size(bench, patients, is_whole=patients == sizes[-1]))
        paper_figures = _measure_papers(bench)
    smaller = results[0] if len(results) > 1 else None
    print()
    for measured in results:
        print(report.table(measured, smaller if measured is not smaller else None), end="\n\n")
    if results:
        print(report.others(results[-1]), end="\n\n")
    print(papers.table(paper_figures))
    seconds = time.monotonic() - started
    report.write(results, paper_figures, seconds)
    print(f"\nThis took {seconds / 60:.0f} min; everything is in {report.FILE.name}.")
    return int(any(figure.problem for measured in results for figure in measured.figures))


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


def _measure_size(bench: Bench, patients: int, *, is_whole: bool) -> Measured:
    name = f"patients_{patients}"
    print(f"Writing the data of {patients:,} patients …", flush=True)
    bench.copy_database(PREPARED, name)
    bench.empty_queue()
    started = time.monotonic()
    servers.run(bench, bench.owner_environment(name), "-m", "benchmarks.data", str(patients))
    print(f"Written in {time.monotonic() - started:.0f} s; measuring (CPU in ms at 1 and 8 clients) …", flush=True)
    return Measurement(bench, name, facts(bench, name, patients), COUNTS[patients]).run(is_whole=is_whole)


if __name__ == "__main__":
    sys.exit(main())
