from datetime import UTC, datetime, timedelta

import pytest

from hms.appointments import enums
from hms.appointments.enums import QUEUE_TRANSITIONS, Priority, QueueStatus
from hms.appointments.queue import rules
from hms.core.errors import RuleBroken

NOW = datetime(2026, 11, 22, 10, 5, tzinfo=UTC)


@pytest.mark.parametrize(("typed", "priority"), [("urgent", 2), ("2", 2), (2, 2), (" Emergency ", 1), ("LOW", 4)])
def test_priorities(typed, priority):
    assert enums.parse_priority(typed) == priority


@pytest.mark.parametrize("typed", ["", "0", "5", 0, -1, None, "very urgent", "²", "\x00", "9" * 5000, True, 2.0])
def test_unknown_priorities(typed):
    with pytest.raises(RuleBroken) as refusal:
        enums.parse_priority(typed)
    assert refusal.value.field == "priority"


@pytest.mark.parametrize(
    ("old", "new"),
    [("waiting", "called"), ("called", "in_service"), ("in_service", "done"), ("called", "waiting"), ("called",
     "left"),
     ("waiting", "done"), ("left", "waiting"), ("called", "called"), ("waiting", "in_service")],
)  # fmt: skip
def test_allowed_status_changes_in_the_queue(old, new):
    rules.check_queue_status_change(QUEUE_TRANSITIONS, old, new)


@pytest.mark.parametrize(
    ("old", "new"), [("done", "waiting"), ("done", "called"), ("left", "done"), ("cancelled", "called")]
)
def test_refused_status_changes_in_the_queue(old, new):
    with pytest.raises(RuleBroken) as refusal:
        rules.check_queue_status_change(QUEUE_TRANSITIONS, old, new)
    assert refusal.value.code == "bad_move"


def test_every_status_has_transitions_and_a_label():
    assert set(QUEUE_TRANSITIONS) == set(enums.QUEUE_STATUS_LABELS) == set(QueueStatus)
    assert set(enums.PRIORITY_LABELS) == set(Priority)
    assert all(old not in new for old, new in QUEUE_TRANSITIONS.items())
    assert set(enums.POINT_TRANSITIONS) == set(enums.POINT_STATUS_LABELS) == set(enums.PointStatus)


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 0), (59, 0), (60, 1), (2459, 40), (-500, 0)])
def test_waiting_time(seconds, minutes):
    assert rules.waiting_minutes(NOW, NOW + timedelta(seconds=seconds)) == minutes


def test_waiting_too_long():
    assert not rules.is_long_wait(NOW, NOW + timedelta(minutes=39, seconds=59), 40)
    assert rules.is_long_wait(NOW, NOW + timedelta(minutes=40), 40)
