"""Simultaneous dispensing from one batch, with real connections and commits."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import func, select

from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import Conflict, Unavailable
from hms.core.person import SYSTEM
from hms.formulary.models import Medication
from hms.pharmacy.dispensing import actions
from hms.pharmacy.models import Batch, StockMovement
from hms.pharmacy.receiving.actions import Received
from tests.pharmacy import factories as make

pytestmark = pytest.mark.security("N")

HANDS = 100


def told(app, work):
    """Run `work` in its own session; returns "done" or the code of the refusal.

    After a lock time-out it tries again, as the message says; a deadlock is never tried again.
    """
    with app.app_context():
        while True:
            try:
                work()
            except Unavailable:
                continue
            except Conflict as refused:
                cause = getattr(refused.__cause__, "orig", None)
                if isinstance(cause, LockNotAvailable):
                    continue
                return "deadlock" if isinstance(cause, DeadlockDetected) else refused.code
            finally:
                db.session.remove()
            return "done"


def all_at_once(app, works):
    with ThreadPoolExecutor(len(works)) as pool:
        return Counter(pool.map(lambda work: told(app, work), works))


def test_a_hundred_hands_and_twenty_in_stock(real_app):
    medicine = make.medicine()
    sooner, later = make.batch(medicine, 12, days=100), make.batch(medicine, 8, days=300)
    lines = [make.prescription(medicine, make.encounter(make.patient(f"P{n}")), 10).id for n in range(10)]
    medicine_id, batches = medicine.id, [sooner.id, later.id]
    db.session.remove()
    answers = all_at_once(real_app, [lambda n=n: actions.dispense(lines[n % 10], 1, by=SYSTEM) for n in range(HANDS)])
    assert answers == {"done": 20, "out_of_stock": 80}
    assert db.session.get(Medication, medicine_id).current_stock == 0
    sums = select(Batch.quantity, func.sum(StockMovement.quantity)).join(
        StockMovement, StockMovement.batch_id == Batch.id
    )
    rows = db.session.execute(sums.where(Batch.id.in_(batches)).group_by(Batch.id)).all()
    assert [tuple(map(int, row)) for row in rows] == [(0, 0), (0, 0)]


def test_visits_with_crossed_medicines_and_deliveries_never_lock_each_other_out(real_app):
    medicines = [make.medicine(name) for name in ("paracetamol", "metronidazole", "zinc sulfate")]
    for medicine in medicines:
        make.batch(medicine, 500, lot="A")
    ids = [medicine.id for medicine in medicines]
    visits = []
    for n in range(12):
        visit = make.encounter(make.patient(f"P{n}"))
        for medicine in medicines if n % 2 else reversed(medicines):
            make.prescription(medicine, visit, 10)
        visits.append(visit.id)
    day = clock.today() + timedelta(days=500)
    db.session.remove()

    def deliver(n):
        wanted = ids if n % 2 else list(reversed(ids))
        make.receive([Received(medicine_id, "NEW", day, 5) for medicine_id in wanted])

    works = [lambda v=v: actions.dispense_all(v, by=SYSTEM) for v in visits]
    works += [lambda n=n: deliver(n) for n in range(12)]
    assert all_at_once(real_app, works) == {"done": 24}
    stocks = db.session.scalars(select(Medication.current_stock).where(Medication.id.in_(ids))).all()
    assert stocks == [500 - 120 + 60] * 3
