"""Background jobs after a commit: enqueued twice they run once, but again when the first run had already begun."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from hms.core.actions import action_context
from hms.core.background import outbox
from hms.core.background.outbox import Outbox
from hms.core.person import SYSTEM

KIND = "tests.count"


@pytest.fixture
def done(monkeypatch):
    """The ids of records whose work was done, in order."""
    ids: list[int] = []
    monkeypatch.setitem(outbox._JOBS, KIND, ids.append)
    return ids


def _ask(ref_id: int = 7) -> None:
    with action_context("tests.ask", SYSTEM):
        outbox.enqueue(KIND, ref_id)


def _rows(db) -> list[Outbox]:
    return list(db.session.scalars(select(Outbox).filter_by(kind=KIND).order_by(Outbox.id)))


def test_a_job_enqueued_twice_before_it_starts_is_one_row(db, done):
    _ask()
    _ask()
    (row,) = _rows(db)
    assert outbox.run_job(row.id)
    assert (done, outbox.job_status(KIND, 7)) == ([7], "done")


def test_a_job_enqueued_after_it_started_is_done_again(db, done):
    """The running job may have read the record before the change."""
    _ask()
    db.session.execute(update(Outbox).where(Outbox.kind == KIND).values(attempts=1))
    db.session.commit()
    _ask()
    first, second = _rows(db)
    assert outbox.run_job(first.id)
    assert outbox.job_status(KIND, 7) == "waiting"
    assert outbox.run_job(second.id)
    assert done == [7, 7]


def test_a_finished_job_is_not_run_again(db, done):
    _ask()
    (row,) = _rows(db)
    assert [outbox.run_job(row.id), outbox.run_job(row.id)] == [True, False]
    assert done == [7]


def test_failed_work_waits_longer_each_time_and_gives_up_in_the_end(db, monkeypatch):
    def fail(_ref_id: int) -> None:
        raise RuntimeError("Kadiatu Kamara, born 1991")

    monkeypatch.setitem(outbox._JOBS, KIND, fail)
    _ask()
    (row,) = _rows(db)
    for _attempt in range(outbox.MAX_ATTEMPTS):
        with pytest.raises(RuntimeError):
            outbox.run_job(row.id)
    db.session.refresh(row)
    assert outbox.job_status(KIND, 7) == "failed"
    assert row.last_error == "RuntimeError"
