"""The scheduler sleeps until a task is due, runs only what has work, and one faulty task or condition stops no other."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, event, literal

from hms.core.background import outbox
from hms.core.background.scheduler import LONGEST_SLEEP, Scheduler, WorkCheck
from hms.core.db.session import db as database
from hms.core.settings import store as settings
from hms.schedule import PERIODIC_TASKS, PeriodicTask


@pytest.fixture
def connection(db) -> Connection:
    return database.session.connection()


def _task(every_seconds: int) -> PeriodicTask:
    return PeriodicTask(f"every {every_seconds} s", every_seconds, lambda: None)


def test_it_sleeps_until_the_next_task(connection):
    scheduler = Scheduler([_task(2), _task(1000)])
    assert scheduler._seconds_to_next_task() == 0
    scheduler.run_due(connection)
    assert 1 < scheduler._seconds_to_next_task() <= 2


def test_its_lock_is_looked_at_also_without_a_task(connection):
    scheduler = Scheduler([_task(1000)])
    scheduler.run_due(connection)
    assert scheduler._seconds_to_next_task() == LONGEST_SLEEP
    assert Scheduler([])._seconds_to_next_task() == LONGEST_SLEEP


def test_no_task_wakes_an_idle_hospital_more_often_than_each_five_seconds():
    """Each wake-up of a sleeping program costs some 10 ms of CPU, whatever it then does."""
    assert min(task.every_seconds for task in PERIODIC_TASKS) >= 5


class Tasks:
    """Tasks that note their names when they run."""

    def __init__(self, **checks: WorkCheck | None) -> None:
        self.ran: list[str] = []
        self.scheduler = Scheduler(
            PeriodicTask(name, 5, lambda n=name: self._run(n), check) for name, check in checks.items()
        )

    def _run(self, name: str) -> None:
        self.ran.append(name)
        if name == "broken":
            raise ValueError(name)


def _answering(answer: bool) -> WorkCheck:
    return WorkCheck(lambda: literal(1) == bindparam(f"is_{answer}"), lambda: {f"is_{answer}": int(answer)})


def test_a_task_runs_when_its_condition_says_so_and_a_failure_stops_no_other(connection):
    tasks = Tasks(always=None, busy=_answering(True), idle=_answering(False), broken=None, after=_answering(True))
    tasks.scheduler.run_due(connection)
    assert tasks.ran == ["always", "busy", "broken", "after"]
    tasks.scheduler.run_due(connection)
    assert len(tasks.ran) == 4, "each waits for its next time"


def test_a_faulty_condition_stops_no_task(app):
    """Its own task runs: it may have work. The conditions of the others still count."""
    faulty: dict[str, Any] = {
        "in_database": WorkCheck(lambda: literal(1) / literal(0) == 1),
        "in_program": WorkCheck(lambda: literal(1) == 1, lambda: {}["missing"]),
    }
    for name, check in faulty.items():
        tasks = Tasks(**{"idle": _answering(False), name: check, "after": _answering(True)})
        with app.app_context(), database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as own:
            tasks.scheduler.run_due(own)
        assert tasks.ran == [name, "after"]


def test_an_idle_hospital_is_looked_at_in_one_statement(app, db, person):
    """After everything was done once, the tasks of the next look have no work; then a change makes work for one."""
    for task in PERIODIC_TASKS:
        task.run()
    seen: list[str] = []
    connection = database.session.connection()
    event.listen(connection, "before_cursor_execute", lambda *call: seen.append(call[2]))
    checked = [task for task in PERIODIC_TASKS if task.has_work is not None]
    assert len(checked) == 4
    Scheduler(checked).run_due(connection)
    assert len(seen) == 1
    settings.change_setting("hospital.name", "Hospital", by=person("admin"))
    outbox.enqueue("tests.nothing", 1)
    names: list[str] = []
    noting = [PeriodicTask(t.name, t.every_seconds, lambda n=t.name: names.append(n), t.has_work) for t in checked]
    Scheduler(noting).run_due(connection)
    assert names == ["seal the audit trail", "wake the worker for due jobs"]
