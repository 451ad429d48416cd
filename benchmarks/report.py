"""The tables that `make bench` prints, and the file that it writes."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
from pathlib import Path

from benchmarks.figures import Figure, Measured
from benchmarks.kinds import AIMS
from benchmarks.papers import PaperFigures
from hms.local import paths

FILE = paths.ROOT / "bench-report.json"
GROWTH_AIM = 1.5
SIGN_IN_AIM = 150.0
MEMORY_AIM = 150.0
IDLE_AIM = 1.0
FIRST_VISIT_AIM, REPEAT_AIM, FRAGMENT_AIM = 120 * 1024, 25 * 1024, 8 * 1024
_HEAD = (
    f"{'':42}{'— 1 client —':^29}{'— 8 clients —':^29}\n{'request':42}{'req/s':>8}{'p50':>7}{'p95':>7}{'CPU':>7}"
    f"{'req/s':>8}{'p50':>7}{'p95':>7}{'CPU':>7}{'SQL':>5}{'× floor, 1 / 8':>16}{'with database':>16}{'aim':>5} met "
)


def table(measured: Measured, smaller: Measured | None = None) -> str:
    """The results of one size, with the growth of cost compared with the `smaller` size. Times in ms."""
    title = (
        f"{measured.patients:,} patients; times in ms; CPU of the web processes per request; aims are with the database"
    )
    lines = [title, _HEAD + ("growth" if smaller else "")]
    lines += [_floor_line(measured)]
    lines += [_line(measured, figure, smaller) for figure in measured.figures]
    return "\n".join(lines)


def _floor_line(measured: Measured) -> str:
    line = "floor: one row by SQLAlchemy as JSON".ljust(42)
    for clients in (1, 8):
        loads = measured.floor[clients]
        medians = [
            statistics.median(getattr(load, name) for load in loads) for name in ("per_second", "p50", "p95", "cpu")
        ]
        line += f"{medians[0]:8.0f}{medians[1]:7.1f}{medians[2]:7.1f}{medians[3]:7.2f}"
    both = (statistics.median(load.cpu + load.db_cpu for load in measured.floor[clients]) for clients in (1, 8))
    return line + f"{1:5}{'':16}{' / '.join(f'{cpu:.2f} ms' for cpu in both):>18}"


def growth(figure: Figure, smaller: Measured | None) -> float | None:
    """The CPU time of a request (web and database) divided by that in the `smaller` size; both relative to the floor at that
    time, so that changes of the machine's speed do not count."""
    other = next((known for known in smaller.figures if known.name == figure.name), None) if smaller else None
    large, small = figure.at(1), other.at(1) if other else None
    if not (large and small):
        return None
    return (large.cpu + large.db_cpu) / large.floor * small.floor / (small.cpu + small.db_cpu)


def _line(measured: Measured, figure: Figure, smaller: Measured | None) -> str:
    line = figure.name.ljust(42)
    for clients in (1, 8):
        load = figure.at(clients)
        line += (
            f"{load.per_second:8.0f}{load.p50:7.1f}{load.p95:7.1f}{load.cpu:7.2f}"
            if load
            else f"{'–':>8}" + f"{'–':>7}" * 3
        )
    multiples, aim = [figure.times_floor(clients) for clients in (1, 8)], AIMS[figure.category]
    line += f"{figure.queries if figure.queries is not None else '–':>5}"
    both = [figure.times_both(clients) for clients in (1, 8)]
    for column in (multiples, both):
        line += f"{' / '.join('–' if multiple is None else f'{multiple:.1f}' for multiple in column):>16}"
    line += _verdict(figure, both, aim)
    factor = growth(figure, smaller)
    if factor is not None:
        line += f"{factor:6.2f}" + (" over 1.5" if figure.grows and factor > GROWTH_AIM else "")
    return line + (f"  ! {figure.problem[:160]}" if figure.problem else "")


def _verdict(figure: Figure, multiples: list[float | None], aim: float | None) -> str:
    """The aim, and whether it is met with one client and with eight."""
    if figure.category == "sign-in" and figure.at(1):
        return f"{'':5} {'yes' if figure.at(1).cpu <= SIGN_IN_AIM else 'NO':4}"
    if aim is None or None in multiples:
        return f"{'':5} {'':4}"
    return f"{aim:5.0f} {'yes' if max(round(multiple, 1) for multiple in multiples) <= aim else 'NO':4}"


def others(measured: Measured) -> str:
    """The lines about memory, the idle hospital and page sizes."""
    lines = []
    for share, resident in measured.memory:
        verdict = "yes" if share < MEMORY_AIM else "NO"
        lines.append(
            f"Web process after {measured.mixed:,} mixed requests: {share:.0f} MiB of its own "
            f"(resident {resident:.0f}); below {MEMORY_AIM:.0f}: {verdict}"
        )
    if measured.idle:
        parts = ", ".join(f"{name} {percent:.2f}" for name, percent in measured.idle.items())
        total = sum(measured.idle.values())
        verdict = "yes" if total < IDLE_AIM else "NO"
        lines.append(f"Nobody works: {total:.2f} % of one core ({parts}); below {IDLE_AIM:.0f} %: {verdict}")
    weighed = [figure for figure in measured.figures if figure.weight is not None]
    if weighed:
        lines.append(f"{'page size, gzip':42}{'KB':>8}{'first visit':>13}")
    for figure in weighed:
        aim = REPEAT_AIM if figure.first_visit != figure.weight else FRAGMENT_AIM
        fits = figure.weight <= aim and figure.first_visit <= FIRST_VISIT_AIM
        lines.append(
            f"{figure.name:42}{figure.weight / 1024:8.1f}{figure.first_visit / 1024:13.1f}  {'yes' if fits else 'NO'}"
        )
    return "\n".join(lines)


def write(results: list[Measured], papers: PaperFigures | None, seconds: float, path: Path = FILE) -> None:
    """Write all results as JSON to `path`."""
    measured = [dataclasses.asdict(result) for result in results]
    machine = {"seconds": round(seconds), "processors": os.cpu_count(), "load_average": os.getloadavg()}
    path.write_text(
        json.dumps(machine | {"measured": measured, "papers": papers and dataclasses.asdict(papers)}, indent=1) + "\n"
    )
