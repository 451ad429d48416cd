"""Clocks that are killed between two steps and within one, and several clocks at once: no step is lost or done twice."""

from __future__ import annotations

import datetime as dt
import os
import signal
from collections import Counter

import pytest
from sqlalchemy import event, select

from hms.core import clock
from hms.core.db.session import db as database
from hms.escalations import jobs
from hms.escalations.models import EscalationAlert, EscalationStep
from hms.messages.models import Notification
from hms.staff import request_user
from hms.staff.models import User
from tests.escalations.factories import all_of_them, told, very_ill

PATIENTS = 3
KILLS = ("before_commit", "after_commit", "before_flush")
"""Where the clock is killed: with the step written and not committed, right after its commit, with some people told."""


def _clock_process(app, now: dt.datetime, kill_at: str | None) -> int:
    """A clock in a process of its own, which is killed at the second event of this name; returns the signal that ended it."""
    child = os.fork()
    if child == 0:
        try:
            database.engine.dispose(close=False)
            database.session.remove()
            seen = Counter()

            def die(*_arguments) -> None:
                seen["times"] += 1
                if seen["times"] == 2:
                    os.kill(os.getpid(), signal.SIGKILL)

            if kill_at:
                event.listen(database.session, kill_at, die)
            with clock.frozen_at(now):
                jobs.do_due_steps()
        finally:
            os._exit(1 if kill_at else 0)
    _pid, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)


@pytest.mark.security("R")
def test_no_step_is_lost_or_done_twice_when_clocks_are_killed_or_run_together(real_app, in_parallel, record_property):
    began = clock.now() - dt.timedelta(minutes=60)
    nurse = _person("nurse")
    with clock.frozen_at(began):
        for number in range(PATIENTS):
            very_ill(nurse, given_names=f"Patient {number}")
    database.session.remove()
    due = began + dt.timedelta(minutes=31)
    ended = [_clock_process(real_app, due, kill_at) for kill_at in KILLS]
    assert ended == [signal.SIGKILL] * len(KILLS)
    assert 0 < _done() - PATIENTS < 3 * PATIENTS, "some steps are done, some are left for the next clock"

    def work() -> None:
        with clock.frozen_at(due):
            jobs.do_due_steps()

    assert in_parallel([work] * 4) == [None] * 4
    assert _clock_process(real_app, due, None) == 0
    expected = [(0, "doctor"), (5, "nurse"), (15, "doctor"), (30, "admin")]
    found = [told(one.id) for one in all_of_them()]
    lost = sum(1 for steps in found for step in expected if step not in steps)
    twice = sum(len(steps) - len(set(steps)) for steps in found)
    alerts = database.session.scalars(select(EscalationAlert.notification_id)).all()
    urgent = database.session.scalars(select(Notification.id).filter_by(kind="urgent")).all()
    record_property("counted", ("steps of escalations lost or done twice by killed clocks", 4 * PATIENTS, lost + twice))
    assert (found, lost, twice) == ([expected] * PATIENTS, 0, 0)
    assert sorted(alerts) == sorted(urgent), "nobody was told outside of a step"
    database.session.remove()


def _done() -> int:
    try:
        return len(database.session.scalars(select(EscalationStep.id).filter_by(status="done")).all())
    finally:
        database.session.remove()


def _person(username: str):
    user_id = database.session.scalars(select(User.id).filter_by(username=username)).one()
    return request_user.load_active_person(user_id)
