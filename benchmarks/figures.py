"""What was measured: of one kind of request at one number of clients, of one kind, of one size of hospital."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.load import Timing


@dataclass
class Slice:
    """A part of a load, short enough that the machine's speed hardly drifts in it. `cpu`, `db_cpu` and `floor` are ms of
    processor time per request: of the web processes, of the database, and of the floor just before and after."""

    timing: Timing
    cpu: float
    db_cpu: float
    floor: float = 0.0


@dataclass
class Load:
    """One kind at one number of clients; times in ms."""

    clients: int
    per_second: float
    p50: float
    p95: float
    cpu: float
    """Processor time of the web processes per request."""
    db_cpu: float
    """Processor time of the database per request."""
    floor: float = 0.0
    """Processor time of the floor per request, measured in between."""
    times_floor: float = 0.0
    """`cpu` beside the floor's just before and after: the median of the slices."""
    failures: int = 0

    @classmethod
    def of(cls, clients: int, slices: Sequence[Slice]) -> Load:
        """The slices taken together."""
        whole = Timing()
        for one in slices:
            whole.add(one.timing)
        middle = [statistics.median(getattr(one, name) for one in slices) for name in ("cpu", "db_cpu", "floor")]
        times = statistics.median(one.cpu / one.floor if one.floor else 0.0 for one in slices)
        how_fast = whole.per_second, whole.percentile(0.5), whole.percentile(0.95)
        return cls(clients, *how_fast, *middle, times, len(whole.failures))


@dataclass
class Figure:
    """One kind of request, measured."""

    name: str
    sort: str
    grows: bool
    calls: int = 1
    loads: list[Load] = field(default_factory=list)
    queries: float | None = None
    weight: int | None = None
    """Bytes of the page as sent, compressed."""
    first_visit: int | None = None
    """The same with its styles and scripts."""
    trouble: str = ""

    def at(self, clients: int) -> Load | None:
        return next((one for one in self.loads if one.clients == clients), None)

    def times_floor(self, clients: int) -> float | None:
        """Processor time of one call beside the floor's."""
        load = self.at(clients)
        return load.times_floor / self.calls if load else None


@dataclass
class Measured:
    """One size of hospital, measured."""

    patients: int
    floor: dict[int, list[Load]] = field(default_factory=dict)
    """Every time the floor was taken, by the number of clients."""
    figures: list[Figure] = field(default_factory=list)
    pdf_seconds: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    mixed: int = 0
