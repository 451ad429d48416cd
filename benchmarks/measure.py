"""Measures one size of hospital: the floor, every kind of request at 1 and 8 clients, papers, memory, weights."""

from __future__ import annotations

import gzip
import itertools
import re
import time
from collections.abc import Iterator

from benchmarks import servers
from benchmarks.figures import Figure, Load, Measured, Slice
from benchmarks.kinds import Kind, Known, kinds, page
from benchmarks.load import Client, Do, Failed, drive
from benchmarks.servers import Bench, Web

CLIENTS = (1, 8)
SLICES = 5
"""A load is taken in as many parts, with the floor before and after each: the machine's speed drifts within minutes."""
FLOOR_COUNTS = {1: 60, 8: 160}
MIXED = 10_000
MIXED_LONGEST = 300
_SAFE_TO_DISPENSE = """
    SELECT id FROM prescription p WHERE status = 'active'
    AND NOT EXISTS (SELECT FROM allergy a WHERE a.patient_id = p.patient_id) ORDER BY id"""
"""The data prescribes without looking at allergies; the pharmacy rightly stops at some of it."""
_ASSET = re.compile(r'(?:href|src|data-socket)="(/static/[^"]+)"')


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
        for kind in self._kinds:
            figure = Figure(kind.name, kind.sort, kind.grows, kind.calls)
            self.result.figures.append(figure)
            try:
                for clients in CLIENTS:
                    figure.loads.append(self._beside(web, floor, kind, clients, figure))
            except (Failed, OSError) as failure:
                figure.trouble = str(failure)[:300]
            said = figure.trouble or " ".join(f"{one.cpu:.2f} ({one.times_floor:.1f})" for one in figure.loads)
            print(f"  {kind.name:42} {said}", flush=True)

    def _beside(self, web: Web, floor: Web, kind: Kind, clients: int, figure: Figure) -> Load:
        """One kind at one number of clients, with the floor in between. Both are warmed up first."""
        numbers, count = self._numbers[kind.name], self._counts[clients] // SLICES
        people = [kind.sign_in(self._client(web, number)) for number in range(clients)]
        bare = [self._client(floor, number) for number in range(clients)]
        try:
            warm = drive(people, kind.do, numbers, 4 + clients * 2)
            if not warm.took:
                raise Failed(warm.failures[0])
            drive(bare, self._bare, itertools.count(), FLOOR_COUNTS[clients])
            before, slices = self._floor(floor, bare), []
            for _turn in range(SLICES):
                one = self._slice(web, people, kind.do, numbers, count)
                after = self._floor(floor, bare)
                one.floor, before = (before + after) / 2, after
                slices.append(one)
        finally:
            for client in (*people, *bare):
                client.close()
        self._note_trouble(figure, slices)
        return Load.of(clients, slices)

    @staticmethod
    def _note_trouble(figure: Figure, slices: list[Slice]) -> None:
        failures = [failure for one in slices for failure in one.timing.failures]
        if failures:
            figure.trouble = f"{len(failures)} failed: {failures[0][:300]}"

    def _floor(self, floor: Web, people: list[Client]) -> float:
        """Processor time of the floor per request, in ms."""
        one = self._slice(floor, people, self._bare, itertools.count(), FLOOR_COUNTS[len(people)])
        self.result.floor.setdefault(len(people), []).append(Load.of(len(people), [one]))
        return one.cpu

    def _bare(self, client: Client, n: int) -> None:
        client.get(f"/{1 + n * 7919 % self._known.patients}")

    def _slice(self, web: Web, people: list[Client], do: Do, numbers: Iterator[int], count: int) -> Slice:
        web_before, db_before = web.seconds(), self._bench.database_seconds()
        timing = drive(people, do, numbers, count)
        web_after, db_after = web.seconds(), self._bench.database_seconds()
        done = max(len(timing.took) + len(timing.failures), 1) / 1000
        return Slice(timing, (web_after - web_before) / done, max(db_after - db_before, 0) / done)

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
