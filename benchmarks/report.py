"""The table that `make bench` prints, and the file it leaves."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
from pathlib import Path

from benchmarks.figures import Figure, Measured
from benchmarks.kinds import AIMS
from hms.local import paths

FILE = paths.ROOT / "bench-report.json"
GROWTH_AIM = 1.5
SIGN_IN_AIM = 150.0
MEMORY_AIM = 150.0
FIRST_VISIT_AIM, REPEAT_AIM, FRAGMENT_AIM = 120 * 1024, 25 * 1024, 8 * 1024
_HEAD = (
    f"{'':42}{'— 1 client —':^29}{'— 8 clients —':^29}\n{'request':42}{'req/s':>8}{'p50':>7}{'p95':>7}{'CPU':>7}"
    f"{'req/s':>8}{'p50':>7}{'p95':>7}{'CPU':>7}{'SQL':>5}{'× floor, 1 / 8':>16}{'aim':>5}  "
)


def table(measured: Measured, smaller: Measured | None = None) -> str:
    """One size of hospital; beside it how much dearer it is than the `smaller` one. Times in ms."""
    title = f"{measured.patients:,} patients; times in ms; CPU of the web processes per request"
    lines = [title, _HEAD + ("growth" if smaller else "")]
    lines += [_floor_line(measured)]
    lines += [_line(measured, figure, smaller) for figure in measured.figures]
    return "\n".join(lines)


def _floor_line(measured: Measured) -> str:
    spoken = "floor: one row by SQLAlchemy as JSON".ljust(42)
    for clients in (1, 8):
        loads = measured.floor[clients]
        middle = [
            statistics.median(getattr(one, name) for one in loads) for name in ("per_second", "p50", "p95", "cpu")
        ]
        spoken += f"{middle[0]:8.0f}{middle[1]:7.1f}{middle[2]:7.1f}{middle[3]:7.2f}"
    return spoken + f"{1:5}"


def growth(figure: Figure, smaller: Measured | None) -> float | None:
    """What a request costs (web and database) beside what it costs in the `smaller` hospital; each beside the floor of its
    time, so that the machine's drifting speed does not count."""
    other = next((one for one in smaller.figures if one.name == figure.name), None) if smaller else None
    here, there = figure.at(1), other.at(1) if other else None
    if not (here and there):
        return None
    return (here.cpu + here.db_cpu) / here.floor * there.floor / (there.cpu + there.db_cpu)


def _line(measured: Measured, figure: Figure, smaller: Measured | None) -> str:
    spoken = figure.name.ljust(42)
    for clients in (1, 8):
        load = figure.at(clients)
        spoken += (
            f"{load.per_second:8.0f}{load.p50:7.1f}{load.p95:7.1f}{load.cpu:7.2f}"
            if load
            else f"{'–':>8}" + f"{'–':>7}" * 3
        )
    dear, aim = [figure.times_floor(clients) for clients in (1, 8)], AIMS[figure.sort]
    spoken += f"{figure.queries if figure.queries is not None else '–':>5}"
    spoken += f"{' / '.join('–' if one is None else f'{one:.1f}' for one in dear):>16}"
    spoken += _verdict(figure, dear, aim)
    larger = growth(figure, smaller)
    if larger is not None:
        spoken += f"{larger:6.2f}" + (" over 1.5" if figure.grows and larger > GROWTH_AIM else "")
    return spoken + (f"  ! {figure.trouble[:160]}" if figure.trouble else "")


def _verdict(figure: Figure, dear: list[float | None], aim: float | None) -> str:
    """Whether the aim is met at one client and at eight."""
    if figure.sort == "sign-in" and figure.at(1):
        return f"{'':5} {'yes' if figure.at(1).cpu <= SIGN_IN_AIM else 'NO':4}"
    if aim is None or None in dear:
        return f"{'':5} {'':4}"
    return f"{aim:5.0f} {'yes' if max(round(one, 1) for one in dear) <= aim else 'NO':4}"


def others(measured: Measured) -> str:
    """Papers, memory and weights."""
    lines = []
    if measured.pdf_seconds:
        lines.append(
            f"From asking for an invoice to its PDF: {statistics.median(measured.pdf_seconds[1:]):.2f} s "
            f"(the first {measured.pdf_seconds[0]:.2f} s)"
        )
    for share, resident in measured.memory:
        verdict = "yes" if share < MEMORY_AIM else "NO"
        lines.append(
            f"Web process after {measured.mixed:,} mixed requests: {share:.0f} MiB of its own "
            f"(resident {resident:.0f}); below {MEMORY_AIM:.0f}: {verdict}"
        )
    lines.append(f"{'page weight, gzip':42}{'KB':>8}{'first visit':>13}")
    for figure in measured.figures:
        if figure.weight is not None:
            aim = REPEAT_AIM if figure.first_visit != figure.weight else FRAGMENT_AIM
            fits = figure.weight <= aim and figure.first_visit <= FIRST_VISIT_AIM
            lines.append(
                f"{figure.name:42}{figure.weight / 1024:8.1f}{figure.first_visit / 1024:13.1f}  {'yes' if fits else 'NO'}"
            )
    return "\n".join(lines)


def write(results: list[Measured], seconds: float, path: Path = FILE) -> None:
    """Leave everything as JSON beside the programs."""
    found = [dataclasses.asdict(one) for one in results]
    about = {"seconds": round(seconds), "processors": os.cpu_count(), "load_average": os.getloadavg()}
    path.write_text(json.dumps(about | {"measured": found}, indent=1) + "\n")
