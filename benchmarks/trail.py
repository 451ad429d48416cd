"""The audit trail at full size: how fast it is written, sealed and read. `python -m benchmarks.trail [entries]` (3,000,000).

Eight writers write entries while the sealer seals them: first one entry in each transaction, as when a chart is opened, then
fifty, as for an export. The filters of the audit page are measured on the full table; each must use an index, and the
database may take `AIM_MS` for it.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import event, text

from benchmarks import servers
from hms.core import clock
from hms.core.audit import chain, recording
from hms.core.db.session import db
from hms.core.person import Person

ENTRIES = 3_000_000
WRITERS, SECONDS = 8, 10
REPEATS = 5
NAME = "trail"
TRANSACTION_SIZES = (1, 50)
"""Entries in one transaction of a writer."""
AIM_MS = 50
AIMS = {"never": 200, "words": 600}
"""Aims in ms for slower filters, by a word of their name: filters that find nothing together scan one index to its end; text
in values is searched without an index, which would slow every write, but only in a period of at most a month."""

_FILL = """
INSERT INTO audit_entry (recorded_at, action, outcome, actor_id, actor_name, actor_role, ip, session_id, entity, entity_id,
                         patient_id, purpose, old, new)
SELECT now() - (:entries - n) * (interval '365 days' / :entries),
       (ARRAY['clinical.open_chart','patients.read','clinical.save_encounter','billing.take_payment','clinical.sign',
              'pharmacy.dispense','appointments.check_in','clinical.read_encounter'])[1 + n % 8],
       CASE WHEN n % 997 = 0 THEN 'denied' ELSE 'success' END,
       1 + n % 40, 'account' || (1 + n % 40), 'doctor', '10.0.0.1', n % 5000,
       (ARRAY['patient','patient','encounter','payment','encounter','dispense','queue_entry','encounter'])[1 + n % 8],
       1 + n % 400000, 1 + (n * 7919) % 100000, CASE WHEN n % 20011 = 0 THEN 'BTG' END,
       CASE WHEN n % 3 = 0 THEN '{"status": "waiting"}'::jsonb END,
       jsonb_build_object('status', 'done', 'reference', 'R-' || n)
  FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n
"""
_SEAL = """
INSERT INTO audit_seal (n, entry_id, seal)
SELECT last.n + row_number() OVER (ORDER BY id), id, sha256(id::text::bytea)
  FROM audit_entry, (SELECT coalesce(max(n), 0) n, coalesce(max(entry_id), 0) entry_id FROM audit_seal) last
 WHERE id > last.entry_id
"""


@dataclass(frozen=True)
class FilterTiming:
    """The times of one filter in ms: in all, and of the database."""

    name: str
    times: list[float]
    in_database: list[float]
    reads_all: bool

    def __str__(self) -> str:
        medians = (statistics.median(times) for times in (self.in_database, self.times))
        figures = (*medians, max(self.times))
        verdict = "  reads the whole table" if self.reads_all else "" if self.is_good else "  slow"
        return f"{self.name:42}" + "".join(f"{figure:10.1f}" for figure in figures) + verdict

    @property
    def is_good(self) -> bool:
        aim = next((ms for word, ms in AIMS.items() if word in self.name), AIM_MS)
        return not self.reads_all and statistics.median(self.in_database) < aim


class StatementTimer:
    """Seconds that the database took for the statements since `reset`."""

    def __init__(self) -> None:
        self.seconds, self._started = 0.0, 0.0
        event.listen(db.engine, "before_cursor_execute", self._start)
        event.listen(db.engine, "after_cursor_execute", self._stop)

    def reset(self) -> None:
        self.seconds = 0.0

    def _start(self, *_: Any) -> None:
        self._started = time.perf_counter()

    def _stop(self, *_: Any) -> None:
        self.seconds += time.perf_counter() - self._started


def write_and_seal(app: Any, size: int) -> tuple[float, float, float]:
    """Entries written per second by all writers with `size` in a transaction, entries sealed per second at the same time,
    and the seconds to seal the rest."""
    person = Person(id=1, username="admin", name="Admin", role="admin")
    until, written, sealed = time.monotonic() + SECONDS, [0] * WRITERS, [0]

    def writer(number: int) -> None:
        with app.app_context():
            while time.monotonic() < until:
                entry = {"entity": "patient", "entity_id": number, "patient_id": number, "outcome": "success"}
                recording.record_many("clinical.open_chart", person, [entry] * size)
                db.session.commit()
                written[number] += size

    def sealer() -> None:
        with app.app_context():
            while time.monotonic() < until:
                sealed[0] += chain.seal_pending()

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(WRITERS)]
    threads.append(threading.Thread(target=sealer))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    started = time.monotonic()
    chain.seal_pending()
    return sum(written) / SECONDS, sealed[0] / SECONDS, time.monotonic() - started


def fill(entries: int) -> None:
    """Write `entries` entries of a year, with seals that are not valid; later entries are chained after them."""
    db.session.execute(text("SET session_replication_role = replica; SET statement_timeout = 0"))
    step = 250_000
    for first in range(1, entries + 1, step):
        last = min(first + step - 1, entries)
        db.session.execute(text(_FILL), {"entries": entries, "first": first, "last": last})
        db.session.execute(text(_SEAL))
        db.session.commit()
        print(f"  {last:,} entries", flush=True)
    db.session.execute(text("RESET session_replication_role"))
    db.session.commit()


def filters(entries: int) -> list[tuple[str, Any]]:
    """The filters to measure, by name."""
    from hms.admin.audit_trail.queries import AuditFilter

    today = clock.today()
    week, old = today - timedelta(days=7), today - timedelta(days=300)
    return [
        ("everything, newest", AuditFilter()),
        ("page in the middle", AuditFilter(before=entries // 2)),
        ("the last page", AuditFilter(before=60)),
        ("one person", AuditFilter(actor_ids=(7,))),
        ("eight people", AuditFilter(actor_ids=tuple(range(1, 9)))),
        ("one patient", AuditFilter(patient_ids=(4711,))),
        ("eight patients", AuditFilter(patient_ids=tuple(range(4711, 4719)))),
        ("one patient, one person", AuditFilter(patient_ids=(4711,), actor_ids=(7,))),
        ("an action", AuditFilter(actions=("billing.take_payment",))),
        ("an action nobody did", AuditFilter(actions=("billing.refund",))),
        ("a person and an action they never did", AuditFilter(actor_ids=(7,), actions=("clinical.open_chart",))),
        ("a person and a kind they never touched", AuditFilter(actor_ids=(7,), entity="payment")),
        ("two people and an action they never did", AuditFilter(actor_ids=(7, 15), actions=("clinical.open_chart",))),
        ("an action on a kind that it never touches", AuditFilter(actions=("billing.take_payment",), entity="patient")),
        ("refused", AuditFilter(outcome="denied")),
        ("refused, of one person", AuditFilter(outcome="denied", actor_ids=(7,))),
        ("done, of one person, deep", AuditFilter(outcome="success", actor_ids=(7,), before=entries // 10)),
        ("emergency accesses", AuditFilter(is_emergency=True)),
        ("a kind of record", AuditFilter(entity="payment")),
        ("a kind of record that is not there", AuditFilter(entity="role")),
        ("one record", AuditFilter(entity="encounter", entity_id=4711)),
        ("today", AuditFilter(day_from=today, day_to=today)),
        (
            "an action in a week, 300 days ago",
            AuditFilter(day_from=old, day_to=old + timedelta(days=6), actions=("billing.take_payment",)),
        ),
        ("a week, 300 days ago", AuditFilter(day_from=old, day_to=old + timedelta(days=6))),
        ("a person in that week", AuditFilter(day_from=old, day_to=old + timedelta(days=6), actor_ids=(7,))),
        ("words nobody wrote in a week", AuditFilter(day_from=week, words="nothing like it")),
        ("words nobody wrote in a month", AuditFilter(day_from=today - timedelta(days=30), words="nothing like it")),
    ]


def measure_filter(name: str, read: Callable[[], Any], timer: StatementTimer) -> FilterTiming:
    """Call `read` `REPEATS` times and measure it."""
    before = _sequential_scans()
    times, in_database = [], []
    for _ in range(REPEATS):
        timer.reset()
        started = time.perf_counter()
        read()
        times.append((time.perf_counter() - started) * 1000)
        in_database.append(timer.seconds * 1000)
    db.session.rollback()
    return FilterTiming(name, times, in_database, _sequential_scans() > before)


def _sequential_scans() -> int:
    db.session.commit()
    db.session.execute(text("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()"))
    scans = text("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'audit_entry'")
    return int(db.session.execute(scans).scalar_one())


def main() -> int:
    """Print the figures; 1 when a filter reads the whole table or takes longer than its aim."""
    entries = int(sys.argv[1].replace(",", "").replace("_", "")) if len(sys.argv) > 1 else ENTRIES
    with servers.running() as bench:
        bench.postgres.ensure_database(NAME)
        environment = bench.owner_environment(NAME)
        servers.run(bench, environment, "-m", "flask", "--app", "wsgi", "db", "upgrade")
        return _measure(environment, entries)


def _measure(environment: dict[str, str], entries: int) -> int:
    from config import Config
    from hms import create_app

    app = create_app(Config.from_environment(environment))
    with app.app_context():
        print(f"Writing {entries:,} entries …", flush=True)
        fill(entries)
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE audit_entry, audit_seal"))
        timings = _measure_filters(entries)
        print(f"{'ms, median of ' + str(REPEATS):42}{'database':>10}{'in all':>10}{'at most':>10}")
        print("\n".join(map(str, timings)), "\n", flush=True)
        for size in TRANSACTION_SIZES:
            written, sealed, rest = write_and_seal(app, size)
            print(f"{WRITERS} writers, {size} entries in a transaction: {written:,.0f} entries/s written", end=", ")
            print(f"{sealed:,.0f}/s sealed at the same time, the rest in {rest:.1f} s", flush=True)
        db.engine.dispose()
    return int(not all(timing.is_good for timing in timings))


def _measure_filters(entries: int) -> list[FilterTiming]:
    from hms.admin.audit_trail import queries, record_access

    year = (clock.today() - timedelta(days=365), clock.today())
    timer = StatementTimer()
    timings = [
        measure_filter(name, lambda filter_=filter_: queries.entries(filter_, 51), timer)
        for name, filter_ in filters(entries)
    ]
    year_of_record = measure_filter("who opened one record, a year", lambda: record_access.accesses(4711, *year), timer)
    return [*timings, year_of_record]


if __name__ == "__main__":
    sys.exit(main())
