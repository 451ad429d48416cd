"""The clock sleeps until a task is due, and ends at once when it is stopped."""

from __future__ import annotations

import pytest

from hms.core.background.scheduler import LONGEST_SLEEP, Scheduler
from hms.schedule import PERIODIC_TASKS, PeriodicTask

pytestmark = pytest.mark.usefixtures("db")


def _task(every_seconds: int) -> PeriodicTask:
    return PeriodicTask(f"every {every_seconds} s", every_seconds, lambda: None)


def test_it_sleeps_until_the_next_task():
    scheduler = Scheduler([_task(2), _task(1000)])
    assert scheduler._seconds_to_next_task() == 0
    scheduler.run_due()
    assert 1 < scheduler._seconds_to_next_task() <= 2


def test_its_lock_is_looked_at_also_without_a_task():
    scheduler = Scheduler([_task(1000)])
    scheduler.run_due()
    assert scheduler._seconds_to_next_task() == LONGEST_SLEEP
    assert Scheduler([])._seconds_to_next_task() == LONGEST_SLEEP


def test_no_task_wakes_an_idle_hospital_more_often_than_each_five_seconds():
    """Each wake-up of a sleeping program costs some 10 ms of CPU, whatever it then does."""
    assert min(task.every_seconds for task in PERIODIC_TASKS) >= 5
