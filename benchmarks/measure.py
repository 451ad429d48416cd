"""Measures one size of hospital: the floor, every kind of request at 1 and 8 clients, papers, memory, weights."""

from __future__ import annotations

import gzip
import itertools
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import servers
from .kinds import AIMS, Kind, Known, kinds, page
from .load import Client, Failed, Timing, drive
from .servers import Bench, Web

CLIENTS = (1, 8)
MIXED = 10_000
MIXED_LONGEST = 300
_SAFE_TO_DISPENSE = """
    SELECT id FROM prescription p WHERE status = 'active'
    AND NOT EXISTS (SELECT FROM allergy a WHERE a.patient_id = p.patient_id) ORDER BY id"""
"""The data prescribes without looking at allergies; the pharmacy rightly stops at some of it."""
_ASSET = re.compile(r'(?:href|src|data-socket)="(/static/[^"]+)"')


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
    failures: int = 0


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


@dataclass
class Measured:
    """One size of hospital, measured."""

    patients: int
    floor: dict[int, list[Load]] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    pdf_seconds: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    mixed: int = 0

    def floor_cpu(self, clients: int) -> float:
        """The floor's processor time per request in ms: the median of what was measured in between."""
        return statistics.median(one.cpu for one in self.floor[clients])


def facts(bench: Bench, database: str, patients: int) -> Known:
    """What the requests need to know of the filled `database`."""
    with bench.connect(database) as connection:

        def column(query: str, *values: object) -> tuple:
            return tuple(row[0] for row in connection.execute(query, values))

        of = "SELECT e.id FROM encounter e JOIN app_user u ON u.id = e.doctor_id "
        of += "WHERE e.status = 'in_progress' AND u.username = %s ORDER BY e.id"
        return Known(
            patients=patients,
            today=column("SELECT current_date")[0],
            doctors=column("SELECT id FROM app_user WHERE username LIKE 'bench%%' ORDER BY id"),
            to_dispense=column(_SAFE_TO_DISPENSE),
            open_encounters=tuple(column(of, f"bench{n}") for n in range(1, 9)),
            demo_encounters=column(of, "doctor"),
            paid_bills=column("SELECT id FROM bill WHERE status = 'paid' ORDER BY id DESC LIMIT 500"),
        )


class Measuring:
    """A run over one database. `count(clients)` tells how many requests of each kind."""

    def __init__(self, bench: Bench, database: str, known: Known, counts: dict[int, int]) -> None:
        self._bench, self._database, self._counts = bench, database, counts
        self._kinds = kinds(known)
        self._known = known
        self._numbers: dict[str, Iterator[int]] = {kind.name: itertools.count() for kind in self._kinds}
        self.result = Measured(known.patients)

    def run(self, *, is_whole: bool) -> Measured:
        """Everything; papers and memory only when `is_whole`."""
        environment = self._bench.environment(self._database)
        with (
            servers.web(self._bench, environment, "benchmarks.floor:app", "floor") as floor,
            servers.web(self._bench, environment | {"HMS_DEMO": "0"}) as web,
        ):
            if is_whole:
                with servers.worker(self._bench, environment):
                    self._papers(web)
            self._all(web, floor)
            if is_whole:
                self._mixed(web)
        with servers.web(self._bench, environment | {"HMS_DEMO": "1"}) as web:
            for figure, kind in zip(self.result.figures, self._kinds, strict=True):
                self._count_queries(web, figure, kind)
                if kind.sort == "page" and not figure.trouble:
                    self._weigh(web, figure, kind)
        return self.result

    def _all(self, web: Web, floor: Web) -> None:
        for place, kind in enumerate(self._kinds):
            if place % 4 == 0:
                self._floor(floor)
            figure = Figure(kind.name, kind.sort, kind.grows, kind.calls)
            self.result.figures.append(figure)
            try:
                self._one(web, kind, figure)
            except (Failed, OSError) as failure:
                figure.trouble = str(failure)[:300]
            said = figure.trouble or " ".join(f"{one.cpu:.2f}" for one in figure.loads)
            print(f"  {kind.name:42} {said}", flush=True)
        self._floor(floor)

    def _floor(self, floor: Web) -> None:
        def ask(client: Client, n: int) -> None:
            client.get(f"/{1 + n * 7919 % self._known.patients}")

        for clients in CLIENTS:
            people = [self._client(floor, number) for number in range(clients)]
            drive(people, ask, itertools.count(), 60)
            load = self._loaded(floor, people, ask, itertools.count(), max(self._counts[clients], 200))
            self.result.floor.setdefault(clients, []).append(load)

    def _one(self, web: Web, kind: Kind, figure: Figure) -> None:
        """Warm both processes up, then measure."""
        numbers = self._numbers[kind.name]
        for clients in CLIENTS:
            people = [kind.sign_in(self._client(web, number)) for number in range(clients)]
            try:
                warm = drive(people, kind.do, numbers, 4 + clients * 2)
                if not warm.took:
                    raise Failed(warm.failures[0])
                figure.loads.append(self._loaded(web, people, kind.do, numbers, self._counts[clients], figure))
            finally:
                for client in people:
                    client.close()

    def _loaded(
        self, web: Web, people: list[Client], do, numbers: Iterator[int], count: int, figure: Figure | None = None
    ) -> Load:
        web_before, db_before = web.seconds(), self._bench.database_seconds()
        timing: Timing = drive(people, do, numbers, count)
        web_after, db_after = web.seconds(), self._bench.database_seconds()
        done = max(len(timing.took) + len(timing.failures), 1)
        if timing.failures and figure is not None:
            figure.trouble = f"{len(timing.failures)} of {done} failed: {timing.failures[0][:300]}"
        return Load(
            clients=len(people),
            per_second=timing.per_second,
            p50=timing.percentile(0.5),
            p95=timing.percentile(0.95),
            cpu=(web_after - web_before) / done * 1000,
            db_cpu=max(db_after - db_before, 0) / done * 1000,
            failures=len(timing.failures),
        )

    def _client(self, web: Web, number: int = 0) -> Client:
        return Client(web.address.host, web.address.port, number)

    def _count_queries(self, web: Web, figure: Figure, kind: Kind) -> None:
        """Statements per request, once the caches are warm."""
        client = self._client(web)
        try:
            kind.sign_in(client)
            counted = []
            for _turn in range(5):
                before = client.queries
                kind.do(client, next(self._numbers[kind.name]))
                counted.append(client.queries - before)
            figure.queries = min(counted)
        except (Failed, OSError) as failure:
            figure.trouble = figure.trouble or str(failure)[:300]
        finally:
            client.close()

    def _weigh(self, web: Web, figure: Figure, kind: Kind) -> None:
        """Bytes on the wire: the page, and the page with all that a first visit fetches."""
        client = kind.sign_in(self._client(web))
        seen = []
        send = client.send

        def listening(*args, **kwargs):
            seen.append(send(*args, **kwargs))
            return seen[-1]

        client.send = listening  # type: ignore[method-assign]
        kind.do(client, next(self._numbers[kind.name]))
        client.send = send  # type: ignore[method-assign]
        answer = seen[-1]
        figure.weight = len(answer.body)
        html = gzip.decompress(answer.body) if answer.headers.get("content-encoding") == "gzip" else answer.body
        assets = {path.replace("&amp;", "&") for path in _ASSET.findall(html.decode())}
        figure.first_visit = figure.weight + sum(len(client.get(path).body) for path in assets)
        client.close()

    def _mixed(self, web: Web) -> None:
        """Ten thousand requests of every reading kind in turn by eight clients, then the size of the processes."""
        reading = [
            kind
            for kind, figure in zip(self._kinds, self.result.figures, strict=True)
            if kind.sort in ("read", "page") and figure.loads
        ]
        done, ends = 0, time.monotonic() + MIXED_LONGEST
        while done < MIXED and time.monotonic() < ends:
            for kind in reading:
                people = [kind.sign_in(self._client(web, number)) for number in range(8)]
                share = min(max(MIXED // len(reading) // 4, 1), MIXED - done)
                done += len(drive(people, kind.do, self._numbers[kind.name], share).took)
                for client in people:
                    client.close()
        self.result.mixed, self.result.memory = done, web.memory()

    def _papers(self, web: Web) -> None:
        """From asking for an invoice to its PDF, five times; the first time includes the worker's warming up.

        Before anything is written: what the writes leave to be done would stand in the queue before these papers.
        """
        cashier = page("cashier")(self._client(web))
        program = self._client(web, 1).token_for("cashier")
        for turn in range(6):
            items = [{"description": "Consultation", "amount": "150.00", "quantity": 1}]
            bill = program.post_json("/api/bills/", {"patient": 7 + turn, "items": items}).json["id"]
            self._time_paper(cashier, bill)
        cashier.close()
        program.close()

    def _time_paper(self, cashier: Client, bill: int) -> None:
        path = f"/billing/bills/{bill}/invoice.pdf"
        began = time.perf_counter()
        while cashier.get(path, expected=(200, 202)).status == 202:
            if time.perf_counter() - began > 60:
                raise Failed(f"no PDF of bill {bill} within a minute")
            time.sleep(0.05)
        self.result.pdf_seconds.append(time.perf_counter() - began)


__all__ = ("AIMS", "Measuring", "facts")
