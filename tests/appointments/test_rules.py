import itertools
import random
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import pytest

from hms.appointments import enums
from hms.appointments.availability import rules as availability_rules
from hms.appointments.availability.queries import Span
from hms.appointments.bookings import rules as booking_rules
from hms.appointments.bookings.rules import STATUS_TRANSITIONS
from hms.appointments.enums import Status
from hms.core import clock
from hms.core.errors import RuleBroken

MONDAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 22, 10, 5, tzinfo=UTC)


class Hours(NamedTuple):
    weekday: int = 0
    starts: time = time(9)
    ends: time = time(10)
    slot_minutes: int = 15
    capacity: int = 1
    overbooking: int = 0
    valid_from: date = date(2026, 1, 1)
    valid_to: date | None = None


class Away(NamedTuple):
    starts: datetime
    ends: datetime


@pytest.fixture(autouse=True)
def freetown():
    before = clock.zone().key
    clock.set_zone("Africa/Freetown")
    yield
    clock.set_zone(before)


def times(slots):
    return [f"{slot.time:%H:%M}" for slot in slots]


def test_a_morning_in_slots():
    assert times(availability_rules.cut_slots([Hours()], MONDAY)) == ["09:00", "09:15", "09:30", "09:45"]
    assert times(availability_rules.cut_slots([Hours(slot_minutes=25)], MONDAY)) == ["09:00", "09:25"]
    assert availability_rules.cut_slots([Hours(slot_minutes=90)], MONDAY) == []
    assert availability_rules.cut_slots([], MONDAY) == []


def test_hours_of_other_days_and_times():
    assert availability_rules.cut_slots([Hours(weekday=1)], MONDAY) == []
    assert availability_rules.cut_slots([Hours(valid_from=MONDAY + timedelta(days=1))], MONDAY) == []
    assert availability_rules.cut_slots([Hours(valid_to=MONDAY - timedelta(days=1))], MONDAY) == []
    assert len(availability_rules.cut_slots([Hours(valid_from=MONDAY, valid_to=MONDAY)], MONDAY)) == 4


def test_an_absence_removes_every_slot_it_overlaps():
    away = Away(clock.at(MONDAY, time(9, 20)), clock.at(MONDAY, time(9, 45)))
    assert times(availability_rules.cut_slots([Hours()], MONDAY, [away])) == ["09:00", "09:45"]
    assert availability_rules.cut_slots([Hours()], MONDAY, [Away(*clock.day_bounds(MONDAY))]) == []


def test_overlapping_hours_count_once():
    slots = availability_rules.cut_slots([Hours(), Hours(starts=time(9, 30), ends=time(10, 30)), Hours()], MONDAY)
    assert times(slots) == ["09:00", "09:15", "09:30", "09:45", "10:00", "10:15"]


def test_slots_never_overlap_and_stay_in_hours():
    dice = random.Random(4)
    for _ in range(200):
        hours = [
            Hours(
                0,
                time(dice.randrange(12), dice.choice([0, 10, 30])),
                time(dice.randrange(12, 24)),
                dice.choice([5, 7, 20, 60]),
            )
            for _ in range(dice.randrange(4))
        ]
        slots = availability_rules.cut_slots(hours, MONDAY)
        assert all(a.ends <= b.starts for a, b in itertools.pairwise(slots))
        assert all(any(h.starts <= slot.time < h.ends for h in hours) for slot in slots)


def test_slots_use_hospital_time_when_clocks_change():
    clock.set_zone("Europe/Berlin")
    sunday = date(2026, 10, 25)
    slots = availability_rules.cut_slots([Hours(6, time(8), time(9), 30)], sunday)
    assert times(slots) == ["08:00", "08:30"]
    assert slots[0].starts == datetime(2026, 10, 25, 7, 0, tzinfo=UTC)


def test_no_slot_is_offered_where_the_clocks_are_changed():
    clock.set_zone("Europe/Berlin")  # on 29 March 02:00 becomes 03:00, on 25 October 03:00 becomes 02:00
    night = Hours(6, time(1), time(4), 30, valid_from=date(2026, 1, 1))
    assert times(availability_rules.cut_slots([night], date(2026, 3, 29))) == ["01:00", "03:00", "03:30"]
    slots = availability_rules.cut_slots([night], date(2026, 10, 25))
    assert times(slots) == ["01:00", "01:30", "02:00", "03:00", "03:30"]
    assert slots[3].starts - slots[2].starts == timedelta(hours=2)


@pytest.mark.parametrize(
    ("zone", "day", "at", "minutes", "is_refused"),
    [
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), 15, True),  # skipped
        ("Europe/Berlin", date(2026, 3, 29), time(1, 30), 90, True),  # would end at 04:00, and 03:15 look free
        ("Europe/Berlin", date(2026, 3, 29), time(3), 15, False),
        ("Europe/Berlin", date(2026, 10, 25), time(2, 30), 60, True),
        ("Pacific/Apia", date(2011, 12, 30), time(9), 15, True),  # a day that was left out
        ("Africa/Freetown", date(2026, 3, 29), time(2, 30), 90, False),
    ],
)
def test_a_time_that_the_clocks_skip_or_repeat_is_refused(zone, day, at, minutes, is_refused):
    clock.set_zone(zone)
    if not is_refused:
        availability_rules.check_clock_change(day, at, minutes)
        return
    with pytest.raises(RuleBroken, match="clocks are changed"):
        availability_rules.check_clock_change(day, at, minutes)


def test_free_slots_are_not_taken_and_not_past():
    offered = availability_rules.cut_slots([Hours()], MONDAY)
    now = offered[1].starts + timedelta(minutes=15)
    taken = [Span(offered[2].starts, offered[2].ends, 1, False)]
    assert times(availability_rules.filter_free_slots(offered, taken, now)) == ["09:15", "09:45"]
    assert times(availability_rules.filter_free_slots(offered, taken, now + timedelta(seconds=1))) == ["09:45"]
    assert len(availability_rules.filter_free_slots(offered, [], NOW)) == 4


@pytest.mark.parametrize(
    ("typed", "status"),
    [("Scheduled", Status.SCHEDULED), ("checked-in", Status.CHECKED_IN), (" no show ", Status.NO_SHOW),
     ("CANCELED", Status.CANCELLED), ("in_service", Status.IN_SERVICE)],
)  # fmt: skip
def test_statuses_in_any_spelling(typed, status):
    assert enums.parse_status(typed) is status


@pytest.mark.parametrize("typed", ["", "booked?", "\x00", "schedule d", "x" * 999])
def test_unknown_statuses(typed):
    with pytest.raises(RuleBroken) as refusal:
        enums.parse_status(typed)
    assert refusal.value.field == "status"


@pytest.mark.parametrize(
    ("old", "new"),
    [("scheduled", "checked_in"), ("scheduled", "completed"), ("checked_in", "in_service"), ("in_service",
     "completed"),
     ("scheduled", "rescheduled"), ("cancelled", "scheduled"), ("no_show", "checked_in"), ("checked_in", "scheduled"),
     ("completed", "completed")],
)  # fmt: skip
def test_allowed_status_changes_of_a_booking(old, new):
    booking_rules.check_status_change(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [("completed", "scheduled"), ("rescheduled", "scheduled"), ("cancelled", "completed"), ("no_show", "completed"),
     ("in_service", "cancelled"), ("checked_in", "rescheduled"), ("completed", "cancelled"), ("cancelled",
     "checked_in")],
)  # fmt: skip
def test_refused_status_changes_of_a_booking(old, new):
    with pytest.raises(RuleBroken) as refusal:
        booking_rules.check_status_change(old, new)
    assert refusal.value.code == "bad_move"


def test_every_status_has_transitions_and_a_label():
    assert set(STATUS_TRANSITIONS) == set(enums.STATUS_LABELS) == set(Status)
    assert all(old not in new for old, new in STATUS_TRANSITIONS.items())


@pytest.mark.parametrize("minutes", [4, 481, 0, -15, True, 15.0, "15", None])
def test_wrong_durations_are_refused(minutes):
    with pytest.raises(RuleBroken) as refusal:
        booking_rules.check_bookable(NOW, NOW, minutes)
    assert refusal.value.field == "duration_minutes"


def test_times_up_to_fifteen_minutes_ago_can_be_booked():
    booking_rules.check_bookable(NOW - timedelta(minutes=15), NOW, 5)
    with pytest.raises(RuleBroken) as refusal:
        booking_rules.check_bookable(NOW - timedelta(minutes=15, seconds=1), NOW)
    assert refusal.value.code == "past"


def test_a_date_too_far_ahead_is_refused():
    booking_rules.check_bookable(NOW + timedelta(days=731), NOW)
    with pytest.raises(RuleBroken) as refusal:
        booking_rules.check_bookable(NOW + timedelta(days=732), NOW)
    assert refusal.value.field == "date"


@pytest.mark.parametrize(
    ("at", "minutes", "code"),
    [(time(9), 60, None), (time(9, 7), 5, None), (time(9, 50), 15, None), (time(8, 59), 5, "no_clinic"),
     (time(10, 20), 15, "no_clinic"), (time(11), 15, "away")],
)  # fmt: skip
def test_within_clinic_hours(at, minutes, code):
    hours = [Hours(), Hours(starts=time(10), ends=time(10, 30))]
    away = [Away(clock.at(MONDAY, time(11)), clock.at(MONDAY, time(12)))]
    starts = clock.at(MONDAY, at)
    if code is None:
        booking_rules.check_bookable(starts, NOW, minutes, hours=hours, absences=away)
        return
    with pytest.raises(RuleBroken) as refusal:
        booking_rules.check_bookable(starts, NOW, minutes, hours=hours, absences=away)
    assert refusal.value.code == code


def test_any_time_without_hours_but_none_outside_clinic_hours():
    starts = clock.at(MONDAY, time(3, 17))
    booking_rules.check_bookable(starts, NOW, hours=None)
    with pytest.raises(RuleBroken):
        booking_rules.check_bookable(starts, NOW, hours=[])


def test_every_offered_slot_is_bookable():
    hours = [Hours(), Hours(starts=time(14), ends=time(17, 10), slot_minutes=20)]
    for slot in availability_rules.cut_slots(hours, MONDAY):
        booking_rules.check_bookable(slot.starts, NOW, int((slot.ends - slot.starts).seconds / 60), hours=hours)
