"""Background jobs after a commit: enqueued twice they run once, but again when the first run had already begun."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import ProgrammingError

from hms.core import clock
from hms.core.actions import action_context
from hms.core.background import outbox
from hms.core.background.outbox import Outbox
from hms.core.person import SYSTEM
from hms.messages.models import Notification

KIND = "tests.count"


@pytest.fixture
def done(monkeypatch):
    """The ids of records whose work was done, in order."""
    ids: list[int] = []
    monkeypatch.setitem(outbox._JOBS, KIND, ids.append)
    return ids


def _ask(ref_id: int = 7, *, is_long: bool = False) -> None:
    with action_context("tests.ask", SYSTEM):
        outbox.enqueue(KIND, ref_id, is_long=is_long)


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


def test_failed_jobs_waits_longer_each_time_and_is_given_up(db, monkeypatch, person):
    def fail(_ref_id: int) -> None:
        raise RuntimeError("Kadiatu Kamara, born 1991")

    monkeypatch.setitem(outbox._JOBS, KIND, fail)
    admin = person("admin").id
    _ask(7)
    _ask(8)
    for row in _rows(db):
        for _attempt in range(outbox.MAX_ATTEMPTS):
            with pytest.raises(RuntimeError):
                outbox.run_job(row.id)
        db.session.refresh(row)
        assert (outbox.job_status(KIND, row.ref_id), row.last_error) == ("failed", "RuntimeError")
        assert not outbox.run_job(row.id)
    titles = db.session.scalars(select(Notification.title).filter_by(user_id=admin)).all()
    assert titles == ["A document or e-mail failed"], "administrators are told once while the list is not empty"


def test_one_turn_does_everything_that_is_due(db, done):
    for ref_id in (1, 2, 3):
        _ask(ref_id)
    with action_context("tests.ask", SYSTEM):
        outbox.enqueue(KIND, 4, due=clock.now() + timedelta(hours=1))
    assert (outbox.run_due(), outbox.run_due()) == (3, 0)
    assert done == [1, 2, 3]


def test_a_failure_does_not_stop_the_rows_after_it(db, monkeypatch):
    done: list[int] = []

    def work(ref_id: int) -> None:
        if ref_id == 1:
            raise RuntimeError
        done.append(ref_id)

    monkeypatch.setitem(outbox._JOBS, KIND, work)
    _ask(1)
    _ask(2)
    assert outbox.run_due() == 2
    assert done == [2]
    assert outbox.run_due() == 0, "the failed row waits for its time"


def test_a_row_that_kills_every_worker_is_given_up_with_the_reason(db, done):
    _ask()
    (row,) = _rows(db)
    killed = {"attempts": outbox.MAX_ATTEMPTS, "handed_out_at": clock.now() - timedelta(minutes=1)}
    db.session.execute(update(Outbox).where(Outbox.id == row.id).values(killed))
    db.session.commit()
    assert outbox.run_due() == 0
    db.session.refresh(row)
    assert (done, outbox.job_status(KIND, 7), row.last_error) == ([], "failed", outbox.WORKER_STOPPED)


def test_an_error_of_the_database_is_not_called_its_absence(db, done, caplog, monkeypatch):
    monkeypatch.setattr(outbox, "_is_free", lambda **_times: (text("no_such_column"),))
    with pytest.raises(ProgrammingError):
        outbox.run_due()
    assert "not available" not in caplog.text


def test_waiting_work_is_one_job_in_the_queue(db, done):
    jobs = outbox.queue()
    jobs.empty()
    for ref_id in range(30):
        _ask(ref_id)
        outbox.wake_for_due()
    assert jobs.count == 1
    outbox.run_due()
    jobs.empty()
    assert (outbox.wake_for_due(), jobs.count) == (False, 0), "an idle hospital wakes nobody"


def test_long_work_has_a_queue_of_its_own_and_is_begun_one_at_a_time(db, done):
    queues = outbox.queue(), outbox.queue(is_long=True)
    for waiting in queues:
        waiting.empty()
    for ref_id in (1, 2):
        _ask(ref_id, is_long=True)
    assert [waiting.count for waiting in queues] == [0, 1]
    _ask(3)
    outbox.wake_for_due()
    assert [waiting.count for waiting in queues] == [1, 1]
    assert (outbox.run_due(), done) == (1, [3])
    queues[1].empty()
    assert (outbox.run_long(), done) == (1, [3, 1])
    assert queues[1].count == 1, "the next long row waits behind other work"
    assert (outbox.run_long(), outbox.run_long(), done) == (1, 0, [3, 1, 2])
    for waiting in queues:
        waiting.empty()
    assert (outbox.wake_for_due(), *(waiting.count for waiting in queues)) == (False, 0, 0)


def test_rows_done_long_ago_wake_nobody(db, done):
    _ask()
    outbox.run_due()
    db.session.execute(update(Outbox).where(Outbox.kind == KIND).values(handed_out_at=clock.now() - timedelta(hours=1)))
    db.session.commit()
    assert not outbox.wake_for_due()


def test_an_administrator_tries_failed_jobs_again(db, desk, monkeypatch):
    failures = [RuntimeError(), None]

    def work(_ref_id: int) -> None:
        if error := failures.pop(0):
            raise error

    monkeypatch.setitem(outbox._JOBS, KIND, work)
    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 1)
    _ask()
    assert outbox.run_due() == 1
    admin = desk("admin")
    assert "RuntimeError" in admin.get("/admin/failed-jobs").get_data(as_text=True)
    assert admin.form("/admin/failed-jobs").status_code == 303
    assert outbox.run_due() == 1
    assert outbox.job_status(KIND, 7) == "done"
    assert "No failed documents or e-mails." in admin.get("/admin/failed-jobs").get_data(as_text=True)
