"""Measures one number of patients: the floor, every request kind at 1 and 8 clients, memory, page sizes."""

from __future__ import annotations

import gzip
import itertools
import re
import time
from collections.abc import Iterator, Sequence

from benchmarks import servers
from benchmarks.figures import Figure, Load, Measured, Slice
from benchmarks.kinds import READS, Kind, Known, kinds
from benchmarks.load import Client, Failed, Send, drive
from benchmarks.servers import Background, Bench, Web
from hms.local import processes

CLIENTS = (1, 8)
SLICES = 5
"""The number of parts of a load. The floor is measured before and after each, because the machine's speed changes."""
FLOOR_COUNTS = {1: 60, 8: 160}
IDLE_BEFORE, IDLE_SECONDS = 15, 60
"""Seconds that the programs have to start, and then are measured while nobody works."""
WORK_ENDS_SECONDS = 300
_WORK = """
    SELECT count(*) FROM outbox WHERE done_at IS NULL AND dead_at IS NULL
    UNION ALL SELECT count(*) FROM audit_entry e WHERE NOT EXISTS (SELECT FROM audit_seal s WHERE s.entry_id = e.id)"""
"""Background work that is left: jobs, and entries of the trail without a seal."""
MIXED = 10_000
MAX_MIXED_SECONDS = 300
_SAFE_TO_DISPENSE = """
    SELECT id FROM prescription p WHERE status = 'active'
    AND NOT EXISTS (SELECT FROM allergy a WHERE a.patient_id = p.patient_id) ORDER BY id"""
"""The data has prescriptions against allergies, which cannot be dispensed; they are left out."""
_ASSET = re.compile(r'(?:href|src|data-socket)="(/static/[^"]+)"')


def facts(bench: Bench, database: str, patients: int) -> Known:
    """The data of the filled `database` that the requests need."""
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


class Measurement:
    """A run over one database. `counts` has the number of requests of each kind, by the number of clients. With `only`,
    kinds whose name has one of these words are measured."""

    def __init__(
        self, bench: Bench, database: str, known: Known, counts: dict[int, int], only: Sequence[str] = ()
    ) -> None:
        self._bench, self._database, self._counts = bench, database, counts
        self._kinds = kinds(known, only)
        self._known = known
        self._numbers: dict[str, Iterator[int]] = {kind.name: itertools.count() for kind in self._kinds}
        self.result = Measured(known.patients)

    def run(self, *, is_whole: bool) -> Measured:
        """Measure everything; memory and the idle hospital only when `is_whole`."""
        environment = self._bench.environment(self._database)
        with (
            servers.web(self._bench, environment, "benchmarks.floor:app", "floor") as floor,
            servers.web(self._bench, environment | {"HMS_DEMO": "0"}) as web,
        ):
            if is_whole:
                with servers.workers(self._bench, environment) as workers:
                    self._measure_idle(web, workers)
            self._measure_kinds(web, floor)
            if is_whole:
                self._measure_memory(web)
        with servers.web(self._bench, environment | {"HMS_DEMO": "1"}) as web:
            for figure, kind in zip(self.result.figures, self._kinds, strict=True):
                self._count_queries(web, figure, kind)
                if kind.category == "page" and not figure.problem:
                    self._weigh(web, figure, kind)
        return self.result

    def _measure_kinds(self, web: Web, floor: Web) -> None:
        for kind in self._kinds:
            figure = Figure(kind.name, kind.category, kind.grows, kind.calls)
            self.result.figures.append(figure)
            try:
                for clients in CLIENTS:
                    figure.loads.append(self._measure_with_floor(web, floor, kind, clients, figure))
            except (Failed, OSError) as failure:
                figure.problem = str(failure)[:300]
            result = figure.problem or " ".join(
                f"{load.cpu + load.db_cpu:.2f} ({load.times_both:.1f})" for load in figure.loads
            )
            print(f"  {kind.name:42} {result}", flush=True)

    def _measure_with_floor(self, web: Web, floor: Web, kind: Kind, clients: int, figure: Figure) -> Load:
        """Measure one kind at one number of clients, and the floor between the slices. Both are warmed up first."""
        numbers, count = self._numbers[kind.name], self._counts[clients] // SLICES
        people = [kind.sign_in(self._client(web, number)) for number in range(clients)]
        floor_clients = [self._client(floor, number) for number in range(clients)]
        try:
            warm_up = drive(people, kind.send, numbers, 4 + clients * 2)
            if not warm_up.took:
                raise Failed(warm_up.failures[0])
            drive(floor_clients, self._get_floor, itertools.count(), FLOOR_COUNTS[clients])
            before, slices = self._measure_floor(floor, floor_clients), []
            for _number in range(SLICES):
                part = self._slice(web, people, kind.send, numbers, count)
                after = self._measure_floor(floor, floor_clients)
                part.floor = (before.cpu + after.cpu) / 2
                part.floor_both, before = part.floor + (before.db_cpu + after.db_cpu) / 2, after
                slices.append(part)
        finally:
            for client in (*people, *floor_clients):
                client.close()
        self._note_failures(figure, slices)
        return Load.of(clients, slices)

    @staticmethod
    def _note_failures(figure: Figure, slices: list[Slice]) -> None:
        failures = [failure for part in slices for failure in part.timing.failures]
        if failures:
            figure.problem = f"{len(failures)} failed: {failures[0][:300]}"

    def _measure_floor(self, floor: Web, clients: list[Client]) -> Slice:
        """One measurement of the floor."""
        part = self._slice(floor, clients, self._get_floor, itertools.count(), FLOOR_COUNTS[len(clients)])
        self.result.floor.setdefault(len(clients), []).append(Load.of(len(clients), [part]))
        return part

    def _get_floor(self, client: Client, n: int) -> None:
        client.get(f"/{1 + n * 7919 % self._known.patients}")

    def _slice(self, web: Web, clients: list[Client], send: Send, numbers: Iterator[int], count: int) -> Slice:
        web_before, db_before = web.seconds(), self._bench.database_seconds()
        timing = drive(clients, send, numbers, count)
        web_after, db_after = web.seconds(), self._bench.database_seconds()
        done = max(len(timing.took) + len(timing.failures), 1) / 1000
        return Slice(timing, (web_after - web_before) / done, max(db_after - db_before, 0) / done)

    def _client(self, web: Web, number: int = 0) -> Client:
        return Client(web.address.host, web.address.port, number)

    def _count_queries(self, web: Web, figure: Figure, kind: Kind) -> None:
        """Count the statements per request, with warm caches."""
        client = self._client(web)
        try:
            kind.sign_in(client)
            counts = []
            for _number in range(5):
                before = client.queries
                kind.send(client, next(self._numbers[kind.name]))
                counts.append(client.queries - before)
            figure.queries = min(counts)
        except (Failed, OSError) as failure:
            figure.problem = figure.problem or str(failure)[:300]
        finally:
            client.close()

    def _weigh(self, web: Web, figure: Figure, kind: Kind) -> None:
        """Measure the bytes sent for the page, and for the page with its styles and scripts."""
        client = kind.sign_in(self._client(web))
        answers = []
        send = client.send

        def send_and_store(*args, **kwargs):
            answers.append(send(*args, **kwargs))
            return answers[-1]

        client.send = send_and_store  # type: ignore[method-assign]
        kind.send(client, next(self._numbers[kind.name]))
        client.send = send  # type: ignore[method-assign]
        answer = answers[-1]
        figure.weight = len(answer.body)
        html = gzip.decompress(answer.body) if answer.headers.get("content-encoding") == "gzip" else answer.body
        assets = {path.replace("&amp;", "&") for path in _ASSET.findall(html.decode())}
        figure.first_visit = figure.weight + sum(len(client.get(path).body) for path in assets)
        client.close()

    def _measure_memory(self, web: Web) -> None:
        """Measure the memory of the web processes after `MIXED` requests of all read kinds by eight clients."""
        read_kinds = [
            kind
            for kind, figure in zip(self._kinds, self.result.figures, strict=True)
            if kind.category in READS and figure.loads
        ]
        done, ends = 0, time.monotonic() + MAX_MIXED_SECONDS
        while done < MIXED and time.monotonic() < ends:
            for kind in read_kinds:
                people = [kind.sign_in(self._client(web, number)) for number in range(8)]
                share = min(max(MIXED // len(read_kinds) // 4, 1), MIXED - done)
                done += len(drive(people, kind.send, self._numbers[kind.name], share).took)
                for client in people:
                    client.close()
        self.result.mixed, self.result.memory = done, web.memory()

    def _measure_idle(self, web: Web, workers: list[Background]) -> None:
        """Measure the share of one core that the programs use while nobody works, in percent."""
        with servers.background(self._bench, self._bench.environment(self._database), "schedule") as clock:
            time.sleep(IDLE_BEFORE)
            if not processes.wait_until(self._is_work_done, WORK_ENDS_SECONDS):
                raise Failed(f"background work is not done after {WORK_ENDS_SECONDS} s")
            programs = {"web": web.seconds, "clock": clock.seconds}
            programs["workers"] = lambda: sum(worker.seconds() for worker in workers)
            programs |= {"database": self._bench.database_seconds, "queue": self._bench.queue_seconds}
            before, started = {name: seconds() for name, seconds in programs.items()}, time.monotonic()
            time.sleep(IDLE_SECONDS)
            passed = time.monotonic() - started
            self.result.idle = {name: (seconds() - before[name]) / passed * 100 for name, seconds in programs.items()}

    def _is_work_done(self) -> bool:
        with self._bench.connect(self._database) as connection:
            return not any(count for (count,) in connection.execute(_WORK))
