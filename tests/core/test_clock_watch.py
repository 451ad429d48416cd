"""A clock that is set is noticed and told to administrators."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from hms.core import clock
from hms.core.background.clock_watch import ClockWatch
from hms.core.settings import store as settings
from hms.messages.models import Notification

HOUR = timedelta(hours=1)


def _titles(db, person) -> list[str]:
    return list(db.session.scalars(select(Notification.title).filter_by(user_id=person("admin").id)))


def test_a_clock_that_runs_tells_nobody(db, person):
    watch = ClockWatch()
    assert (watch.look(), watch.look()) == (timedelta(), timedelta())
    assert _titles(db, person) == []


def test_a_clock_that_was_set_is_told_once(db, person):
    watch = ClockWatch()
    watch.look()
    with clock.frozen_at(clock.now() - HOUR):
        assert abs(watch.look() + HOUR) < timedelta(seconds=5)
        assert watch.look() == timedelta()
    assert _titles(db, person) == ["The server's clock was changed"]


def test_a_clock_that_was_set_back_while_the_programs_were_stopped_is_noticed(db, person):
    settings.change_setting("hospital.name", "Bay Hospital", by=person("admin"))  # leaves an entry of now in the trail
    with clock.frozen_at(clock.now() - HOUR):
        assert ClockWatch().look() < -HOUR / 2
    assert _titles(db, person) == ["The server's clock was changed"]
