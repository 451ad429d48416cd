"""The trail at full size: how fast it is written, sealed and read. `python -m benchmarks.trail [entries]` (3,000,000).

Entries a second are those of eight writers at once, each entry a transaction of its own, while the sealer chains them.
The browser's filters are asked on the full table; each must answer from an index.
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

from sqlalchemy import text

from hms.core import audit, chain, clock
from hms.core.db import db
from hms.core.people import Person

from . import servers

ENTRIES = 3_000_000
WRITERS, SECONDS = 8, 10
ASKED = 5
NAME = "trail"
AIM_MS = 300

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
  FROM generate_series(:first, :last) n
"""


@dataclass(frozen=True)
class Asked:
    """One question to the browser, and how long its answers took, in ms."""

    what: str
    times: list[float]
    reads_all: bool

    @property
    def middle(self) -> float:
        return statistics.median(self.times)


def write_and_seal(app: Any) -> tuple[float, float, float]:
    """Entries a second written by all writers, sealed a second meanwhile, and seconds until the rest was sealed."""
    who = Person(id=1, username="admin", name="Admin", role="admin")
    until, written, sealed = time.monotonic() + SECONDS, [0] * WRITERS, [0]

    def writer(number: int) -> None:
        with app.app_context():
            while time.monotonic() < until:
                audit.record("clinical.open_chart", who, entity="patient", entity_id=number, patient_id=number)
                db.session.commit()
                written[number] += 1

    def sealer() -> None:
        with app.app_context():
            while time.monotonic() < until:
                sealed[0] += chain.seal_waiting()

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(WRITERS)]
    threads.append(threading.Thread(target=sealer))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    began = time.monotonic()
    chain.seal_waiting()
    return sum(written) / SECONDS, sealed[0] / SECONDS, time.monotonic() - began


def fill(entries: int) -> None:
    """So many entries of a year, without seals: reading them does not need any."""
    db.session.execute(text("SET session_replication_role = replica; SET statement_timeout = 0"))
    step = 250_000
    for first in range(1, entries + 1, step):
        last = min(first + step - 1, entries)
        db.session.execute(text(_FILL), {"entries": entries, "first": first, "last": last})
        db.session.commit()
        print(f"  {last:,} entries", flush=True)
    db.session.execute(text("RESET session_replication_role"))
    db.session.commit()
    db.session.execute(text("ANALYZE audit_entry"))
    db.session.commit()


def questions() -> list[tuple[str, Any]]:
    from hms.admin.trail import Wanted

    today = clock.today()
    week, old = today - timedelta(days=7), today - timedelta(days=300)
    return [
        ("everything, newest", Wanted()),
        ("page in the middle", Wanted(before=ENTRIES // 2)),
        ("one person", Wanted(actor_ids=(7,))),
        ("eight people", Wanted(actor_ids=tuple(range(1, 9)))),
        ("one patient", Wanted(patient_ids=(4711,))),
        ("eight patients", Wanted(patient_ids=tuple(range(4711, 4719)))),
        ("one patient, one person", Wanted(patient_ids=(4711,), actor_ids=(7,))),
        ("an action", Wanted(actions=("billing.take_payment",))),
        ("an action nobody did", Wanted(actions=("billing.refund",))),
        ("a person and an action they never did", Wanted(actor_ids=(7,), actions=("clinical.open_chart",))),
        ("refused", Wanted(outcome="denied")),
        ("emergency accesses", Wanted(is_emergency=True)),
        ("a kind of record", Wanted(entity="payment")),
        ("a kind of record that is not there", Wanted(entity="role")),
        ("one record", Wanted(entity="encounter", entity_id=4711)),
        ("today", Wanted(day_from=today, day_to=today)),
        ("a week, 300 days ago", Wanted(day_from=old, day_to=old + timedelta(days=6))),
        ("a person in that week", Wanted(day_from=old, day_to=old + timedelta(days=6), actor_ids=(7,))),
        ("words in the last week", Wanted(day_from=week, words="R-2999")),
        ("words nobody wrote in a month", Wanted(day_from=today - timedelta(days=30), words="nothing like it")),
    ]


def ask(what: str, do: Callable[[], Any]) -> Asked:
    """`do` a few times; whether any of its statements read the whole table."""
    before = _whole_reads()
    times = []
    for _ in range(ASKED):
        began = time.perf_counter()
        do()
        times.append((time.perf_counter() - began) * 1000)
    db.session.rollback()
    return Asked(what, times, _whole_reads() > before)


def _whole_reads() -> int:
    db.session.commit()
    db.session.execute(text("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()"))
    scans = text("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'audit_entry'")
    return int(db.session.execute(scans).scalar_one())


def main() -> int:
    """Prints the figures; 1 when a filter reads the whole table or takes longer than the aim."""
    entries = int(sys.argv[1].replace(",", "").replace("_", "")) if len(sys.argv) > 1 else ENTRIES
    with servers.running() as bench:
        bench.postgres.ensure_database(NAME)
        environment = bench.owners(NAME)
        servers.run(bench, environment, "-m", "flask", "--app", "wsgi", "db", "upgrade")
        return _measure(environment, entries)


def _measure(environment: dict[str, str], entries: int) -> int:
    from config import Config
    from hms import create_app
    from hms.admin import opened, trail

    app = create_app(Config.from_environment(environment))
    with app.app_context():
        print(f"Writing {entries:,} entries …", flush=True)
        fill(entries)
        asked = [ask(what, lambda wanted=wanted: trail.entries(wanted, 51)) for what, wanted in questions()]
        year = (clock.today() - timedelta(days=365), clock.today())
        asked.append(ask("who opened one record, a year", lambda: opened.accesses(4711, *year)))
        slow = [one for one in asked if one.reads_all or one.middle > AIM_MS]
        for one in asked:
            words = "reads the whole table" if one.reads_all else ""
            print(f"{one.what:42}{one.middle:8.1f} ms {max(one.times):8.1f} ms at most  {words}")
        db.session.execute(text("INSERT INTO audit_seal SELECT 1, max(id), '' FROM audit_entry"))
        db.session.commit()
        written, sealed, rest = write_and_seal(app)
        print(f"\nwritten by {WRITERS} at once: {written:,.0f} entries/s; sealed meanwhile: {sealed:,.0f}/s", end="; ")
        print(f"the rest in {rest:.1f} s")
        db.engine.dispose()
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
