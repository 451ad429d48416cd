"""The results of the benchmark: of one request kind at one number of clients, of one kind, of one size."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.load import Timing


@dataclass
class Slice:
    """A short part of a load, during which the machine's speed hardly changes. `cpu`, `db_cpu` and `floor` are ms of CPU
    time per request: of the web processes, of the database, and of the floor just before and after. `floor_both` is the
    floor's with the database's."""

    timing: Timing
    cpu: float
    db_cpu: float
    floor: float = 0.0
    floor_both: float = 0.0


@dataclass
class Load:
    """One request kind at one number of clients; times in ms."""

    clients: int
    per_second: float
    p50: float
    p95: float
    cpu: float
    """CPU time of the web processes per request."""
    db_cpu: float
    """CPU time of the database per request."""
    floor: float = 0.0
    """CPU time of the floor per request, measured between the slices."""
    times_floor: float = 0.0
    """`cpu` divided by that of the floor just before and after: the median of the slices."""
    times_both: float = 0.0
    """The same of `cpu` and `db_cpu` together."""
    failures: int = 0

    @classmethod
    def of(cls, clients: int, slices: Sequence[Slice]) -> Load:
        """The slices combined."""
        total = Timing()
        for part in slices:
            total.add(part.timing)
        medians = [statistics.median(getattr(part, name) for part in slices) for name in ("cpu", "db_cpu", "floor")]
        times_floor = statistics.median(part.cpu / part.floor if part.floor else 0.0 for part in slices)
        times_both = statistics.median(
            (part.cpu + part.db_cpu) / part.floor_both if part.floor_both else 0.0 for part in slices
        )
        speed = total.per_second, total.percentile(0.5), total.percentile(0.95)
        return cls(clients, *speed, *medians, times_floor, times_both, len(total.failures))


@dataclass
class Figure:
    """The results of one request kind."""

    name: str
    category: str
    grows: bool
    calls: int = 1
    loads: list[Load] = field(default_factory=list)
    queries: float | None = None
    weight: int | None = None
    """Bytes of the page as sent, compressed."""
    first_visit: int | None = None
    """Bytes of the page with its styles and scripts."""
    problem: str = ""

    def at(self, clients: int) -> Load | None:
        return next((load for load in self.loads if load.clients == clients), None)

    def times_floor(self, clients: int) -> float | None:
        """CPU time of one call divided by the floor's."""
        load = self.at(clients)
        return load.times_floor / self.calls if load else None

    def times_both(self, clients: int) -> float | None:
        """CPU time of one call, of the web processes and the database together, divided by the floor's of both."""
        load = self.at(clients)
        return load.times_both / self.calls if load else None


@dataclass
class Measured:
    """The results for one number of patients."""

    patients: int
    floor: dict[int, list[Load]] = field(default_factory=dict)
    """Every measurement of the floor, by the number of clients."""
    figures: list[Figure] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    mixed: int = 0
    idle: dict[str, float] = field(default_factory=dict)
    """Percent of one core that each program uses while nobody works."""
