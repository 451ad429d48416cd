"""What leaves the pharmacy, written down: the lines' new state, the dispenses and their movements, and the charges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Row, text

from hms.billing.actions import add_charges
from hms.billing.charging import Event, Listed
from hms.clinical.models import Prescription
from hms.core import clock
from hms.core.alerts import Alert, alert
from hms.core.people import Person
from hms.core.records import written_over
from hms.core.statements import Writing
from hms.formulary import facts

from .giving import Picks, Shelf, status_after
from .rules import Batch


@dataclass(frozen=True, slots=True)
class Given:
    """What was handed out on one line, from which batches, and where the line stands now."""

    id: int
    line: Row
    quantity: int
    remaining: int | None
    status: str
    batches: list[tuple[Batch, int]]
    at: datetime
    by_id: int | None


def record(
    given: Sequence[tuple[Row, Picks]], shelf: Shelf, *, by: Person, collected_by: str, note: str
) -> list[Given]:
    """Write down what leaves the shelf on the locked lines of one patient; each line has its picks."""
    now = clock.now()
    done = _write([_given(line, picks, shelf, now, by) for line, picks in given], collected_by, note)
    events = [Event(one.id, one.quantity, _item(one.line), facts.full_name(one.line)) for one in done]
    first = done[0].line
    add_charges(first.patient_id, "dispense", events, encounter_id=first.encounter_id, by=by)
    for kind in (Alert.PRESCRIPTION_CHANGED, Alert.STOCK_CHANGED):
        alert(kind)
    return done


def _item(line: Row) -> Listed | None:
    if line.price_item_id is None:
        return None
    return Listed(line.price_item_id, line.item_name, line.billing_label, line.unit_price)


_WRITE = Writing(
    text("""
WITH line AS (
    SELECT * FROM unnest(CAST(:line_id AS bigint[]), CAST(:given AS bigint[]), CAST(:status AS text[]))
        AS line (id, given, status)
), moved AS (
    UPDATE prescription
       SET quantity_dispensed = quantity_dispensed + line.given, status = line.status, status_reason = '',
           version = version + 1, updated_at = :now
      FROM line WHERE prescription.id = line.id
), handed AS (
    INSERT INTO dispense (prescription_id, patient_id, medication_id, quantity, dispensed_at, dispensed_by_id,
                          collected_by, note)
    SELECT id, patient_id, medication_id, line.given, :now, :by_id, :collected_by, :note
      FROM line JOIN prescription USING (id)
     ORDER BY id
    RETURNING id, prescription_id, medication_id
)
INSERT INTO stock_movement (batch_id, medication_id, kind, quantity, dispense_id, reason, moved_at, moved_by_id)
SELECT pick.batch_id, handed.medication_id, 'dispense', -pick.quantity, handed.id, '', :now, :by_id
  FROM unnest(CAST(:picked_for AS bigint[]), CAST(:batch_id AS bigint[]), CAST(:picked AS bigint[]))
           AS pick (line_id, batch_id, quantity)
  JOIN handed ON handed.prescription_id = pick.line_id
 ORDER BY handed.medication_id, pick.batch_id, handed.id
RETURNING (SELECT prescription_id FROM handed WHERE handed.id = dispense_id), dispense_id
""")
)
"""The movements come last and in order, as each locks its medicine; a trigger takes it off the batch and the stock."""


def _given(line: Row, picks: Picks, shelf: Shelf, now: datetime, by: Person) -> Given:
    quantity = sum(count for _batch, count in picks)
    in_all = line.quantity_dispensed + quantity
    remaining = None if line.quantity is None else line.quantity - in_all
    held = {batch.batch_id: batch for batch in shelf.held[line.medication_id]}
    batches = [(held[batch_id], count) for batch_id, count in sorted(picks)]
    return Given(0, line, quantity, remaining, status_after(line.quantity, in_all), batches, now, by.id)


def _write(done: list[Given], collected_by: str, note: str) -> list[Given]:
    """The same with the ids they got."""
    picks = [(one.line.id, batch.batch_id, count) for one in done for batch, count in one.batches]
    values = {
        "line_id": [one.line.id for one in done],
        "given": [one.quantity for one in done],
        "status": [one.status for one in done],
        "picked_for": [line_id for line_id, _batch, _count in picks],
        "batch_id": [batch_id for _line, batch_id, _count in picks],
        "picked": [count for _line, _batch, count in picks],
        "now": done[0].at,
        "by_id": done[0].by_id,
    }
    ids = dict(_WRITE.write(values | {"collected_by": collected_by, "note": note}))
    written_over(Prescription, values["line_id"])
    return [replace(one, id=ids[one.line.id]) for one in done]
