"""What `make chaos` looks for in the database at the end."""

from __future__ import annotations

from typing import Any

import psycopg

from benchmarks.chaos_people import Journal

COUNTS = {
    "patient": "SELECT given_names, count(*), min(id) FROM patient WHERE family_name = 'Chaos' GROUP BY 1",
    "bill": "SELECT description, count(*), min(bill_id) FROM bill_line WHERE description LIKE 'Zz%' GROUP BY 1",
    "payment": "SELECT reference, count(*), min(id) FROM payment WHERE reference LIKE 'Zz%' GROUP BY 1",
}
"""For each kind: the marker, how often it is stored, and its id."""
WAITING = (
    "SELECT count(*) FROM outbox WHERE done_at IS NULL AND dead_at IS NULL AND due <= now() + interval '5 minutes'"
)
FAILED = "SELECT kind, last_error, count(*) FROM outbox WHERE done_at IS NULL AND dead_at IS NOT NULL GROUP BY 1, 2"
WITHOUT_PAPER = """
SELECT count(*) FROM bill JOIN bill_line line ON line.bill_id = bill.id
 WHERE line.description LIKE 'Zz%' AND bill.issued_at IS NOT NULL
   AND NOT EXISTS (SELECT FROM printed_document paper WHERE paper.ref_id = bill.id AND paper.kind LIKE 'invoice%')"""


def _rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, connect_timeout=10) as connection:
        return connection.execute(query).fetchall()


def papers_waiting(url: str) -> int:
    """How many rows of the outbox are still to be done."""
    return int(_rows(url, WAITING)[0][0])


def find_faults(url: str, journal: Journal) -> list[str]:
    """A sentence for everything that was lost, doubled, or not made."""
    faults = []
    for kind, query in COUNTS.items():
        stored = {marker: (count, record_id) for marker, count, record_id in _rows(url, query)}
        faults += [f"{kind} {marker} is stored {count} times" for marker, (count, _id) in stored.items() if count > 1]
        for (of_kind, marker), record_id in journal.done.items():
            if of_kind == kind and marker not in stored:
                faults.append(f"{kind} {marker} was acknowledged as {record_id} and is lost")
            elif of_kind == kind and stored[marker][1] != record_id:
                faults.append(f"{kind} {marker} was acknowledged as {record_id} but is {stored[marker][1]}")
    faults += [f"{count} jobs {kind} failed: {error}" for kind, error, count in _rows(url, FAILED)]
    without = int(_rows(url, WITHOUT_PAPER)[0][0])
    return faults + ([f"{without} issued bills have no paper"] if without else [])
